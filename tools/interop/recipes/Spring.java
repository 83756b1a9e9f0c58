final class Spring {
  public static void main(String[] arguments) throws Exception {
    var decoder = SpringDecoder.jwtDecoder();
    Main.run(token -> decoder.decode(token).getSubject());
  }
}
