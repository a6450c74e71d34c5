using CsCheck;

namespace Frp.Config.Tests;

public class ValueTests
{
    [Theory]
    [InlineData("", 0)]
    [InlineData(" ", 0)]
    [InlineData("1KB", 1024)]
    [InlineData("1MB", 1048576)]
    [InlineData("0.5MB", 524288)]
    [InlineData("1e2KB", 102400)]
    [InlineData("-1MB", 0)]
    [InlineData("0KB", 0)]
    [InlineData("1e300MB", long.MaxValue)]
    public void Bandwidth(string text, long expected)
    {
        Assert.True(BandwidthQuantity.TryParse(text, out var quantity, out _));
        Assert.Equal((expected, text.Trim()), (quantity.BytesPerSecond, quantity.Text));
    }

    [Theory]
    [InlineData("1", "unit not support")]
    [InlineData("1mb", "unit not support")]
    [InlineData("1GB", "unit not support")]
    [InlineData("MB", "strconv.ParseFloat: parsing \"\": invalid syntax")]
    [InlineData("1 MB", "strconv.ParseFloat: parsing \"1 \": invalid syntax")]
    [InlineData("NaNMB", "strconv.ParseFloat: parsing \"NaN\": invalid syntax")]
    [InlineData("1,000KB", "strconv.ParseFloat: parsing \"1,000\": invalid syntax")]
    public void No_bandwidth(string text, string expected)
    {
        Assert.False(BandwidthQuantity.TryParse(text, out _, out var fault));
        Assert.Equal(expected, fault);
    }

    [Theory]
    [InlineData("")]
    [InlineData("sha256/47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", "sha256/47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=")]
    [InlineData("sha256//47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", "sha256/47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=")] // as curl has it
    [InlineData("sha256//7DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", "sha256//7DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=")] // a slash of base64's own
    [InlineData("sha256///7DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", "sha256//7DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=")]
    [InlineData("sha256/47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU= ; sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        "sha256/47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", "sha256/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")]
    public void Pinned_keys(string text, params string[] expected) =>
        Assert.Equal(expected, Loading.Client($"transport.tls.pinnedKey = \"{text}\"").Transport.Tls.PinnedKeys);

    [Theory]
    [InlineData("sha256/")]
    [InlineData("sha1/47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=")]
    [InlineData("SHA256/47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=")]
    [InlineData("47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=")]
    [InlineData("sha256/47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU")] // no padding
    [InlineData("sha256/47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuA==")] // 31 bytes
    [InlineData("sha256/47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFUA")] // 33
    [InlineData("sha256/47DEQpj8HBSa_-TImW-5JCeuQeRkm5NMpJWZG3hSuFU=")] // base64url
    [InlineData("sha256////7DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=")]
    public void No_pinned_key(string text) =>
        Loading.ClientError($"transport.tls.pinnedKey = \"{text}\"", $"frpc.toml:1: transport.tls.pinnedKey: invalid transport.tls.pinnedKey \"{text}\": sha256/ and 44 characters of base64 are expected");

    [Fact]
    public void Allowed_ports()
    {
        Assert.Same(PortRanges.All, Loading.Server("").AllowedPorts);
        Assert.Equal((65535, "1-65535"), (PortRanges.All.Count, PortRanges.All.ToString()));
        var ports = Loading.Server("allowPorts = [{start = 3000, end = 3001}, {single = 10}, {start = 9, end = 5}, {start = 5, end = 9, single = 80}, {start = 2000, end = 3000}, {start = -5, end = 2}, {start = 65535, end = 70000}]").AllowedPorts;
        Assert.Equal("1-2,10,80,2000-3001,65535", ports.ToString());
        Assert.All([1, 2, 10, 80, 2000, 2500, 3001, 65535], p => Assert.True(ports.Contains(p)));
        Assert.All([-1, 0, 3, 9, 11, 79, 81, 1999, 3002, 65534, 65536], p => Assert.False(ports.Contains(p)));
        Assert.Equal(0, PortRanges.From([new PortsRangeConfig { Start = 2, End = 1 }]).Count);
    }

    [Fact]
    public void A_look_up_among_ranges_is_right_for_every_port()
    {
        var range = Gen.Select(Gen.Int[-10, 300], Gen.Int[-10, 300], Gen.Int[-2, 300], (s, e, single) => new PortsRangeConfig { Start = s, End = e, Single = single });
        range.Array[1, 8].Sample(ranges =>
        {
            var set = PortRanges.From(ranges);
            return Enumerable.Range(-20, 400).All(port => set.Contains(port)
                == (port is > 0 and <= 65535 && ranges.Any(r => r.Single > 0 ? r.Single == port : r.Start <= port && port <= r.End)))
                && set.Count == Enumerable.Range(1, 400).Count(set.Contains);
        });
    }

    [Theory]
    [InlineData("1000-2000,3000", "1000-2000,3000")]
    [InlineData(" 1 - 2 , 4 ", "1-2,4")]
    public void Ports_of_a_flag(string text, string expected) => Assert.Equal(expected, PortRanges.From(PortRanges.Parse(text)).ToString());

    [Theory]
    [InlineData("")]
    [InlineData("1-2-3")]
    [InlineData("5-x")]
    [InlineData("9-1")]
    [InlineData("1,,2")]
    public void No_ports_of_a_flag(string text) =>
        Assert.StartsWith("range number is invalid", Assert.Throws<FormatException>(() => PortRanges.Parse(text)).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("a", true)]
    [InlineData("a.b-c_d1", true)]
    [InlineData("example.com/a", true)]
    [InlineData("", false)]
    [InlineData("-a", false)]
    [InlineData("a.", false)]
    [InlineData("a b", false)]
    [InlineData("/a", false)]
    [InlineData("x/", false)]
    [InlineData("x/y/z", false)]
    [InlineData("X.com/a", false)]
    [InlineData("x..com/a", false)]
    [InlineData("-x.com/a", false)]
    [InlineData("\u00e4", false)]
    public void Qualified_names(string text, bool expected) => Assert.Equal(expected, QualifiedName.Fault(text) is null);

    [Fact]
    public void Qualified_names_are_bounded()
    {
        Assert.Null(QualifiedName.Fault(new string('a', 63)));
        Assert.NotNull(QualifiedName.Fault(new string('a', 64)));
        var prefix = string.Join('.', Enumerable.Repeat("abc", 63));
        Assert.Null(QualifiedName.Fault(prefix + ".a/x"));
        Assert.NotNull(QualifiedName.Fault(prefix + ".abc/x"));
    }

    [Theory]
    [InlineData("127.0.0.1", 80, "127.0.0.1:80")]
    [InlineData("::1", 80, "[::1]:80")]
    [InlineData("fe80::1%eth0", 0, "[fe80::1%eth0]:0")]
    [InlineData("example.com", 65535, "example.com:65535")]
    [InlineData("", 7000, ":7000")]
    public void Addresses(string host, int port, string text)
    {
        Assert.Equal(text, AddressText.Join(host, port));
        Assert.True(AddressText.TrySplit(text, out var splitHost, out var splitPort));
        Assert.Equal((host, port), (splitHost, splitPort));
    }

    [Theory]
    [InlineData("")]
    [InlineData("host")]
    [InlineData("host:")]
    [InlineData("host:65536")]
    [InlineData("host:-1")]
    [InlineData("::1")]
    [InlineData("[::1]")]
    [InlineData("[::1:80")]
    [InlineData("a]:80")]
    public void No_addresses(string text) => Assert.False(AddressText.TrySplit(text, out _, out _));
}
