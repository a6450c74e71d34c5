using System.Security.Cryptography;
using Frp.TestKit;

namespace Frp.EndToEnd.Tests;

/// <summary>What most people use a tunnel for: OpenSSH through it.</summary>
public sealed class SshTests : TunnelTest
{
    // sshd wants this folder when it runs as root, and its package creates it only for the service.
    private const string PrivilegeSeparationFolder = "/run/sshd";

    [Theory]
    [InlineData("")]
    [InlineData($"{Proxy.Encrypted}\n{Proxy.Compressed}")]
    public async Task A_session_of_OpenSSH_works(string layers)
    {
        string? sshd = ForeignPrograms.Find("sshd"), ssh = ForeignPrograms.Find("ssh"), keygen = ForeignPrograms.Find("ssh-keygen");
        Assert.SkipWhen(sshd is null || ssh is null || keygen is null, "OpenSSH is not installed");
        if (Environment.IsPrivilegedProcess) Directory.CreateDirectory(PrivilegeSeparationFolder);
        string hostKey = await KeyAsync("host"), userKey = await KeyAsync("user");
        int sshPort = Ports.Next(), port = Ports.Next();
        File.Copy($"{userKey}.pub", Path.Combine(Work.Folder, "authorized"));
        string config = Work.Write($"""
            Port {sshPort}
            ListenAddress 127.0.0.1
            HostKey {hostKey}
            AuthorizedKeysFile {Path.Combine(Work.Folder, "authorized")}
            PidFile none
            StrictModes no
            UsePAM no
            PermitRootLogin yes
            PasswordAuthentication no

            """);
        var daemon = Work.RunForeign(sshd!, "-D", "-e", "-f", config);
        await daemon.WaitForTextAsync("Server listening on 127.0.0.1");
        var proxy = new Proxy("ssh", sshPort, Ports.Next(), layers);
        await ServerAsync(port);
        await ClientAsync(port, [], proxy);

        string payload = Path.Combine(Work.Folder, "payload");
        var bytes = RandomNumberGenerator.GetBytes(3 << 20);
        await File.WriteAllBytesAsync(payload, bytes, TestContext.Current.CancellationToken);
        var session = Work.RunForeign(ssh!, "-p", $"{proxy.RemotePort}", "-i", userKey, "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no", "-o", "LogLevel=ERROR",
            "-o", "UserKnownHostsFile=/dev/null", "-F", "none", $"{Environment.UserName}@127.0.0.1", $"cat '{payload}' | sha256sum; cat '{payload}' | od -An -v -tx1; exit 3");
        Assert.Equal(3, await session.WaitForExitAsync());
        string output = session.Output.ToString();
        Assert.StartsWith(Convert.ToHexStringLower(SHA256.HashData(bytes)), output, StringComparison.Ordinal);
        Assert.Equal(bytes, Convert.FromHexString(string.Concat(output[(output.IndexOf('\n', StringComparison.Ordinal) + 1)..].Where(char.IsAsciiHexDigit))));

        async Task<string> KeyAsync(string name)
        {
            string file = Path.Combine(Work.Folder, name);
            Assert.Equal(0, await Work.RunForeign(keygen!, "-q", "-t", "ed25519", "-N", "", "-f", file).WaitForExitAsync());
            return file;
        }
    }
}
