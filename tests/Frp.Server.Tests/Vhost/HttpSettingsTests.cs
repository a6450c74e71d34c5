using Frp.Web;

namespace Frp.Server.Tests.Vhost;

public sealed class HttpSettingsTests
{
    [Theory]
    [InlineData("x-a", "1", "1")]
    [InlineData("x-a", " 1\r\nX-B: 2\r\n\r\n", "1  X-B: 2")]
    [InlineData("x-a", "a\0b\u007fc\td", "a b c d")]
    [InlineData("x-a", "\u00e9", "\u00c3\u00a9")]
    public void Values_cannot_begin_a_line(string name, string value, string kept)
    {
        var settings = Settings(name, value);
        Assert.Equal(kept, settings.RequestHeaders![name]);
        Assert.Equal(kept, settings.ResponseHeaders![name.ToUpperInvariant()]);
    }

    [Theory]
    [InlineData("")]
    [InlineData("a b")]
    [InlineData("a\r\nb")]
    [InlineData("a:b")]
    [InlineData("\u00e9")]
    [InlineData("content-length")]
    [InlineData("Transfer-Encoding")]
    [InlineData("Host")]
    public void Names_that_are_none_or_frame_messages_are_left_out(string name)
    {
        var settings = Settings(name, "1");
        Assert.Null(settings.RequestHeaders);
        Assert.Null(settings.ResponseHeaders);
    }

    [Theory]
    [InlineData("", "", false)]
    [InlineData("u", "", true)]
    [InlineData("", "p", true)]
    public void Either_of_name_and_password_demands_both(string user, string password, bool demands)
    {
        var settings = new HttpSettings(user, password, "", new Dictionary<string, string>(), new Dictionary<string, string>());
        Assert.Equal(demands, settings.DemandsCredentials);
        Assert.True(settings.Admits(new HttpCredentials(user, password)));
        Assert.False(settings.Admits(new HttpCredentials(user, password + "x")));
        Assert.False(settings.Admits(new HttpCredentials(user + "x", password)));
    }

    private static HttpSettings Settings(string name, string value)
    {
        var headers = new Dictionary<string, string> { [name] = value };
        return new HttpSettings("", "", "", headers, headers);
    }
}
