using System.Security.Cryptography;
using System.Text;
using Frp.TestKit;

namespace Frp.EndToEnd.Tests;

/// <summary>Proxies that users reach by name, with nginx as the service and curl and OpenSSL as the users.</summary>
public abstract class HttpsTunnelTest : TunnelTest
{
    private CertificateFolder? _authority;

    private protected CertificateFolder Authority => _authority ??= new CertificateFolder(Work.Folder, "authority");

    /// <summary>A ClientHello that asks for a host name, and for nothing that a handshake could be completed with.</summary>
    private protected static byte[] HelloFor(string host)
    {
        byte[] name = Encoding.ASCII.GetBytes(host);
        byte[] extension = [0, 0, 0, (byte)(name.Length + 5), 0, (byte)(name.Length + 3), 0, 0, (byte)name.Length, .. name];
        byte[] body = [3, 3, .. RandomNumberGenerator.GetBytes(32), 0, 0, 2, 0x13, 1, 1, 0, 0, (byte)extension.Length, .. extension];
        return [22, 3, 1, 0, (byte)(body.Length + 4), 1, 0, 0, (byte)body.Length, .. body];
    }

    /// <summary>A proxy of any kind, as text.</summary>
    private protected static string Named(string name, string type, int localPort, params string[] lines) =>
        $"\n[[proxies]]\nname = \"{name}\"\ntype = \"{type}\"\nlocalPort = {localPort}\n{string.Join('\n', lines)}\n";

    private protected static string Domains(params string[] domains) => $"customDomains = [{string.Join(", ", domains.Select(d => $"\"{d}\""))}]";

    /// <summary>Starts a client and waits until all of its proxies run.</summary>
    private protected async Task<RunningProgram> ServeAsync(int serverPort, string[] lines, params string[] proxies)
    {
        var client = StartClient(serverPort, [.. lines, .. proxies]);
        await client.WaitForTextAsync("start proxy success", proxies.Length);
        return client;
    }

    /// <summary>Starts nginx with one TLS service to a port, each with certificates for its names.</summary>
    /// <remarks>They answer with their name, the host name that they were asked for and the version of TLS.</remarks>
    private protected async Task NginxAsync(params (string Service, int Port, string[] Hosts)[] services)
    {
        string? nginx = ForeignPrograms.Find("nginx");
        Assert.SkipWhen(nginx is null || ForeignPrograms.Find("curl") is null || ForeignPrograms.Find("openssl") is null, "nginx, curl or OpenSSL is not installed");
        var servers = from service in services
                      from host in service.Hosts
                      let files = Authority.Issue(host)
                      select $$"""
                          server {
                              listen 127.0.0.1:{{service.Port}} ssl;
                              server_name {{host}};
                              ssl_certificate {{files.Cert}};
                              ssl_certificate_key {{files.Key}};
                              location / { return 200 "{{service.Service}} $ssl_server_name $ssl_protocol"; }
                          }
                          """;
        string config = Work.Write($$"""
            daemon off;
            master_process off;
            pid {{Work.Folder}}/nginx.pid;
            error_log stderr notice;
            events { worker_connections 512; }
            http {
                access_log off;
                client_body_temp_path {{Work.Folder}}/body;
                proxy_temp_path {{Work.Folder}}/proxy;
                fastcgi_temp_path {{Work.Folder}}/fastcgi;
                uwsgi_temp_path {{Work.Folder}}/uwsgi;
                scgi_temp_path {{Work.Folder}}/scgi;
                ssl_protocols TLSv1.2 TLSv1.3;
            {{string.Join('\n', servers)}}
            }
            """);
        Work.RunForeign(nginx!, "-p", Work.Folder, "-e", "stderr", "-c", config);
        foreach (var service in services) await Patience.UntilAsync(() => Ports.AnswersAsync(service.Port), () => "nginx does not listen");
    }

    /// <summary>Runs curl to its end.</summary>
    /// <returns>Its exit code and what it printed.</returns>
    private protected async Task<(int Code, string Output)> CurlAsync(params string[] arguments)
    {
        var curl = Work.RunForeign(ForeignPrograms.Find("curl")!, ["-q", "-sS", "--noproxy", "none.invalid", .. arguments]);
        int code = await curl.WaitForExitAsync();
        return (code, curl.Output.ToString());
    }

    /// <summary>Asks for a page of a host through a port, and trusts our authority only.</summary>
    private protected async Task<string> GetAsync(string host, int port, params string[] arguments)
    {
        var (code, output) = await CurlAsync(["--cacert", Authority.CaFile, "--resolve", $"{host}:{port}:127.0.0.1", $"https://{host}:{port}/", .. arguments]);
        Assert.True(code == 0, $"curl ended with {code}: {output}");
        return output;
    }

    /// <summary>Shakes hands by OpenSSL, and returns what it said.</summary>
    private protected async Task<string> HandshakeAsync(int port, params string[] arguments)
    {
        var openssl = Work.RunForeign(ForeignPrograms.Find("openssl")!, ["s_client", "-brief", "-connect", $"127.0.0.1:{port}", "-CAfile", Authority.CaFile, "-verify_return_error", .. arguments]);
        await openssl.WaitForExitAsync();
        return openssl.Output.ToString();
    }
}
