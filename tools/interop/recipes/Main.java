import java.io.BufferedReader;
import java.io.InputStreamReader;

/** Verifies one token a line, and prints what came of it. */
final class Main {
  interface Verifier {
    String subject(String token) throws Exception;
  }

  static void run(Verifier verifier) throws Exception {
    var lines = new BufferedReader(new InputStreamReader(System.in));
    for (String token = lines.readLine(); token != null; token = lines.readLine()) {
      try {
        System.out.println("accepted: sub " + verifier.subject(token));
      } catch (Exception error) {
        System.out.println("refused: " + String.valueOf(error.getMessage()).replace('\n', ' '));
      }
    }
    // Threads that fetch keys would keep the process.
    System.exit(0);
  }
}
