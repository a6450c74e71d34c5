// The smallest web service that a tunnel can be shown with: HelloService PORT answers every request with a greeting.
using System.Net;
using System.Net.Sockets;
using System.Text;

var listener = new TcpListener(IPAddress.Loopback, int.Parse(args[0]));
listener.Start();
while (true)
{
    using var client = await listener.AcceptTcpClientAsync();
    try
    {
        client.ReceiveTimeout = client.SendTimeout = 5000;
        await using var stream = client.GetStream();
        using var reader = new StreamReader(stream, Encoding.ASCII);
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(5));
        while (await reader.ReadLineAsync(deadline.Token) is { Length: > 0 })
        {
            // The request's head; what it says does not matter here.
        }
        const string Greeting = "Hello from behind the tunnel.\n";
        await stream.WriteAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {Greeting.Length}\r\nConnection: close\r\n\r\n{Greeting}"), deadline.Token);
    }
    catch (Exception e) when (e is IOException or OperationCanceledException)
    {
        Console.WriteLine($"a client went away: {e.Message}");
    }
}
