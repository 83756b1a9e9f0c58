final class Nimbus {
  public static void main(String[] arguments) throws Exception {
    var verifier = new NimbusVerifier();
    Main.run(token -> verifier.verify(token).getSubject());
  }
}
