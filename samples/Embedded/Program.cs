// The smallest program with a server and a client inside: a tunnel from a port of this process to a service on another port.
//   Embedded LOCAL_PORT     shows the local service on a port that the server chooses
using System.Text;
using Frp.Client;
using Frp.Config;
using Frp.Proxies;
using Frp.Server;
using Microsoft.Extensions.Logging.Abstractions;

if (args is not [var localPort])
{
    Console.Error.WriteLine("usage: Embedded LOCAL_PORT");
    return 2;
}
var loggers = NullLoggerFactory.Instance;

var serverConfig = ConfigLoader.LoadServer(Encoding.UTF8.GetBytes("bindAddr = '127.0.0.1'\nbindPort = 7000"), "server").Config;
await using var server = new FrpServer(serverConfig, loggers);
await server.StartAsync();

var clientConfig = ConfigLoader.LoadClient(
    Encoding.UTF8.GetBytes($"serverAddr = '127.0.0.1'\n[[proxies]]\nname = 'service'\ntype = 'tcp'\nlocalPort = {localPort}"), "client", ProxyKinds.Catalog).Config;
await using var client = new FrpClient(clientConfig, loggers);
await client.StartAsync();

using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(10));
await client.WaitUntilRunningAsync("service", patience.Token);
Console.WriteLine($"reach it at 127.0.0.1{client.Proxies[0].RemoteAddress}; Enter ends");
Console.ReadLine();
return 0;
