import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;

/** A program in Java that shows the proxy its secret: it has a turn, waits, and has another. */
public class ModernClient {
    public static void main(String[] args) throws Exception {
        HttpClient client = HttpClient.newHttpClient();
        HttpRequest request = HttpRequest.newBuilder(URI.create(System.getenv("SITE") + "/x"))
            .header("Tokentoss-Secret", System.getenv("SECRET"))
            .build();
        for (int turn = 0; turn < 2; turn++) {
            Thread.sleep(turn * 1000L * Integer.parseInt(System.getenv("PAUSE")));
            String body = client.send(request, BodyHandlers.ofString()).body();
            if (!body.equals("hello\n")) {
                throw new IllegalStateException(body);
            }
        }
    }
}
