import java.io.InputStream;
import java.net.HttpURLConnection;
import java.net.URI;

/** A program in Java that knows nothing of tokentoss: it has a turn, waits, and has another. */
public class Clients {
    static void turn() throws Exception {
        HttpURLConnection connection = (HttpURLConnection) URI.create(System.getenv("SITE") + "/x").toURL().openConnection();
        try (InputStream in = connection.getInputStream()) {
            String body = new String(in.readAllBytes());
            if (!body.equals("hello\n")) {
                throw new IllegalStateException(body);
            }
        }
    }

    public static void main(String[] args) throws Exception {
        turn();
        Thread.sleep(1000L * Integer.parseInt(System.getenv("PAUSE")));
        turn();
    }
}
