using System.Text;
using Frp.Web;

namespace Frp.Server.Tests;

public sealed class ConnectionFieldTests
{
    [Theory]
    [InlineData("keep-alive", "keep-alive")]
    [InlineData("Keep-Alive", "Keep-Alive")]
    [InlineData("Upgrade", "Upgrade")]
    [InlineData("close", "keep-alive, close")]
    [InlineData("X-Hop", "X-Hop")]
    [InlineData("", "")]
    [InlineData(", ,", ", ,")]
    [InlineData("keep-alive, X-Hop", "X-Hop")]
    [InlineData("X-Hop,KEEP-ALIVE ,x-\u00e9", "X-Hop, x-\u00e9")]
    [InlineData("Upgrade,HTTP2-Settings", "keep-alive, Upgrade,HTTP2-Settings")]
    [InlineData("X-Hop, Close", "keep-alive, X-Hop, Close")]
    [InlineData("keep-alive, Upgrade", "keep-alive, keep-alive, Upgrade")]
    [InlineData("keep-alives, closed", "keep-alives, closed")]
    public void A_field_is_read_with_all_its_options(string field, string expected) =>
        Assert.Equal(expected, ConnectionField.Reading.GetString(Encoding.Latin1.GetBytes(field)));
}
