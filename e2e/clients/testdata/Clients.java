import java.net.HttpURLConnection;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;

/** Programs in Java that know nothing of tokentoss: each has a turn, waits, and has another. */
public class Clients {
    static final URI PAGE = URI.create(System.getenv("SITE") + "/x");
    static final HttpClient CLIENT = HttpClient.newHttpClient();

    static String useURLConnection() throws Exception {
        HttpURLConnection connection = (HttpURLConnection) PAGE.toURL().openConnection();
        try (var in = connection.getInputStream()) {
            return new String(in.readAllBytes());
        }
    }

    /** With the proxy's secret, where there is one. */
    static String useHttpClient() throws Exception {
        var request = HttpRequest.newBuilder(PAGE);
        if (System.getenv("SECRET") != null) {
            request.header("Tokentoss-Secret", System.getenv("SECRET"));
        }
        return CLIENT.send(request.build(), BodyHandlers.ofString()).body();
    }

    public static void main(String[] args) throws Exception {
        for (int turn = 0; turn < 2; turn++) {
            Thread.sleep(turn * 1000L * Integer.parseInt(System.getenv("PAUSE")));
            String body = args[0].equals("HttpClient") ? useHttpClient() : useURLConnection();
            if (!body.equals("hello\n")) {
                throw new IllegalStateException(body);
            }
        }
    }
}
