using System.Text;
using Frpc;

namespace Frp.Programs.Tests;

/// <summary>The table of <c>frpc status</c>.</summary>
public class StatusTableTests
{
    private static string Render(string json) => StatusTable.Render(Encoding.UTF8.GetBytes(json));

    [Fact]
    public void It_is_laid_out_as_recorded() => Assert.Equal((string)Trees.Recorded["status"]!, Render(
        """
        {"udp":[{"name":"u","type":"udp","status":"running","err":"","local_addr":"127.0.0.1:53","plugin":"","remote_addr":"127.0.0.1:60945"}],
         "tcp":[{"name":"ssh","type":"tcp","status":"running","err":"","local_addr":"127.0.0.1:22","plugin":"","remote_addr":"127.0.0.1:60945"},
                {"name":"bad","type":"tcp","status":"start error","err":"port unavailable","local_addr":"127.0.0.1:22","plugin":"","remote_addr":""}]}
        """));

    [Fact]
    public void A_recorded_answer_with_every_kind()
    {
        string table = Render((string)Trees.Recorded["answers"]![0]!);
        Assert.StartsWith(
            """
            Proxy Status...

            TCP
            Name   Status       LocalAddr        Plugin  RemoteAddr       Error             
            plug   running                       socks5  127.0.0.1:46875                    
            taken  start error  127.0.0.1:46055                           port unavailable  
            tcp1   running      127.0.0.1:46055          127.0.0.1:54703                    
            tcp2   running      127.0.0.1:46055          127.0.0.1:35617                    

            UDP
            Name  Status   LocalAddr        Plugin  RemoteAddr       Error  
            udp1  running  127.0.0.1:38953          127.0.0.1:36479         

            TCPMUX
            Name  Status   LocalAddr        Plugin  RemoteAddr             Error  
            mux1  running  127.0.0.1:46055          mux.example.com:52053         

            HTTP

            """, table, StringComparison.Ordinal);
        string[] titles = [.. table.Split("\n\n").Skip(1).Select(part => part.Split('\n')[0])];
        Assert.Equal(["TCP", "UDP", "TCPMUX", "HTTP", "HTTPS", "STCP", "SUDP", "XTCP", ""], titles);
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("null")]
    [InlineData("""{"tcp":[]}""")]
    public void Without_proxies_there_is_no_table(string answer) => Assert.Equal("Proxy Status...\n\n", Render(answer));

    [Fact]
    public void A_cell_may_have_several_lines_and_nothing_that_a_terminal_would_act_on() => Assert.Equal(
        "Proxy Status...\n\nTCP\n"
        + "Name  Status  LocalAddr  Plugin  RemoteAddr  Error   \n"
        + "Ä     x                                      one?[m  \n"
        + "                                             two     \n\n",
        Render("""{"tcp":[{"name":"Ä","status":"x","err":"one\u001b[m\ntwo"}]}"""));

    [Theory]
    [InlineData("null")]
    [InlineData("""{"tcp":null}""")]
    [InlineData("""{"tcp":[null]}""")]
    public void Null_is_nothing(string answer) => Assert.Equal("Proxy Status...\n\n", Render(answer));

    [Theory]
    [InlineData("<html>")]
    [InlineData("""{"tcp":[{"name":"\ud800"}]}""")]
    [InlineData("[]")]
    [InlineData("""{"tcp":{}}""")]
    public void Another_answer_is_an_error(string answer) => Assert.StartsWith("the answer is not the status of a client: ", Assert.Throws<IOException>(() => Render(answer)).Message, StringComparison.Ordinal);
}
