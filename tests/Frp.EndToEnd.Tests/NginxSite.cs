using Frp.TestKit;

namespace Frp.EndToEnd.Tests;

/// <summary>nginx with one folder of files, in clear text, and over TLS with HTTP/2. Files can be put and got.</summary>
/// <param name="Port">Where it speaks clear text.</param>
/// <param name="TlsPort">Where it speaks TLS.</param>
/// <param name="Root">The folder.</param>
/// <param name="LogFile">A line for each request: connection, protocol, status, path.</param>
/// <param name="Certificate">The file of its certificate.</param>
/// <param name="Authority">The file of who certified it.</param>
internal sealed record NginxSite(int Port, int TlsPort, string Root, string LogFile, string Certificate, string Authority)
{
    /// <summary>How many requests have been answered.</summary>
    internal int Served => File.ReadLines(LogFile).Count();

    /// <summary>Starts it and waits until it listens. It ends with the test's folder.</summary>
    /// <param name="work">The test's folder.</param>
    /// <param name="authority">Who certifies it.</param>
    /// <param name="host">The name that it is certified for.</param>
    /// <param name="livePort">A service of somebody else for what is under <c>/live/</c>, WebSockets included; 0 is none.</param>
    internal static async Task<NginxSite> StartAsync(Workspace work, CertificateFolder authority, string host, int livePort = 0)
    {
        string? nginx = ForeignPrograms.Find("nginx");
        Assert.SkipWhen(nginx is null, "nginx is not installed");
        var files = authority.Issue(host);
        var site = new NginxSite(Ports.Next(), Ports.Next(), Path.Combine(work.Folder, "www"), Path.Combine(work.Folder, "access.log"), files.Cert, authority.CaFile);
        Directory.CreateDirectory(site.Root);
        string temporary = Path.Combine(work.Folder, "nginx");
        Directory.CreateDirectory(temporary);
        string live = livePort == 0 ? "" : $$"""
            location /live/ {
                proxy_pass http://127.0.0.1:{{livePort}};
                proxy_http_version 1.1;
                proxy_set_header Upgrade $http_upgrade;
                proxy_set_header Connection $upgrade_or_none;
                proxy_buffering off;
            }
            """;
        string config = work.Write($$"""
            daemon off;
            master_process off;
            pid {{temporary}}/pid;
            error_log stderr notice;
            events { worker_connections 1024; }
            http {
                log_format served '$connection $server_protocol $status $uri';
                access_log {{site.LogFile}} served;
                client_body_temp_path {{temporary}}/body;
                proxy_temp_path {{temporary}}/proxy;
                fastcgi_temp_path {{temporary}}/fastcgi;
                uwsgi_temp_path {{temporary}}/uwsgi;
                scgi_temp_path {{temporary}}/scgi;
                client_max_body_size 0;
                gzip on;
                gzip_min_length 0;
                gzip_types text/plain text/javascript;
                types { text/html html; text/javascript js; text/plain txt; image/svg+xml svg; }
                default_type application/octet-stream;
                map $http_upgrade $upgrade_or_none { default upgrade; '' ''; }
                server {
                    listen 127.0.0.1:{{site.Port}};
                    listen 127.0.0.1:{{site.TlsPort}} ssl http2;
                    ssl_certificate {{files.Cert}};
                    ssl_certificate_key {{files.Key}};
                    root {{site.Root}};
                    location / { dav_methods PUT; }
                    {{live}}
                }
            }
            """);
        work.RunForeign(nginx!, "-p", work.Folder, "-e", "stderr", "-c", config);
        foreach (int port in (int[])[site.Port, site.TlsPort]) await Patience.UntilAsync(() => Ports.AnswersAsync(port), () => "nginx does not listen");
        return site;
    }
}
