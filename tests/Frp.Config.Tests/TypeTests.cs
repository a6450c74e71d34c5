namespace Frp.Config.Tests;

/// <summary>Nothing is coerced: every kind of value where another is expected is a mistake of its own.</summary>
public class TypeTests
{
    [Theory]
    [InlineData("bindAddr", "string", "number", "1")]
    [InlineData("bindAddr", "string", "number", "1.5")]
    [InlineData("bindAddr", "string", "bool", "true")]
    [InlineData("bindAddr", "string", "array", "[]")]
    [InlineData("bindAddr", "string", "object", "{}")]
    [InlineData("bindPort", "int", "string", "\"7000\"")]
    [InlineData("bindPort", "int", "bool", "true")]
    [InlineData("bindPort", "int", "number 1.5", "1.5")]
    [InlineData("bindPort", "int", "number Infinity", "inf")]
    [InlineData("bindPort", "int", "number NaN", "nan")]
    [InlineData("bindPort", "int", "number 3000000000", "3000000000")]
    [InlineData("bindPort", "int", "string", "07:32:00")]
    [InlineData("bindPort", "int", "array", "[7000]")]
    [InlineData("tcpmuxPassthrough", "bool", "string", "\"true\"")]
    [InlineData("tcpmuxPassthrough", "bool", "number", "1")]
    [InlineData("transport", "object", "string", "\"tcp\"")]
    [InlineData("transport", "object", "array", "[]")]
    [InlineData("webServer.tls", "object", "bool", "true")]
    [InlineData("allowPorts", "[]object", "string", "\"1000-2000\"")]
    [InlineData("allowPorts[0]", "object", "number", "[1000]")]
    [InlineData("allowPorts[1].start", "int", "string", "[{single = 1}, {start = \"1\"}]")]
    [InlineData("auth.additionalScopes", "[]string", "string", "\"HeartBeats\"")]
    [InlineData("auth.additionalScopes[1]", "string", "number", "[\"HeartBeats\", 2]")]
    public void Toml_server(string key, string target, string found, string value)
    {
        var option = key.Split('[')[0];
        Loading.ServerError($"\n{option} = {value}", $"frps.toml:2: field \"{key}\": cannot unmarshal {found} into {target}");
    }

    // Recorded from the reference.
    [Theory]
    [InlineData("1979-05-27", "1979-05-27")]
    [InlineData("07:32:00", "07:32:00")]
    [InlineData("07:32:00.999999", "07:32:00.999999")]
    [InlineData("07:32:00.1234567", "07:32:00.1234567")]
    [InlineData("1979-05-27 07:32:00", "1979-05-27T07:32:00")]
    [InlineData("1979-05-27t07:32:00.5", "1979-05-27T07:32:00.5")]
    [InlineData("2001-12-14T21:59:43.0", "2001-12-14T21:59:43.0")]
    [InlineData("1979-05-27T07:32:00Z", "1979-05-27T07:32:00Z")]
    [InlineData("2001-12-14T21:59:43z", "2001-12-14T21:59:43Z")]
    [InlineData("2001-12-14t21:59:43.10-05:00", "2001-12-14T21:59:43.1-05:00")]
    [InlineData("2001-12-14T21:59:43.120+01:30", "2001-12-14T21:59:43.12+01:30")]
    [InlineData("2001-12-14T21:59:43.000+00:00", "2001-12-14T21:59:43Z")]
    [InlineData("2001-12-14 21:59:43-00:00", "2001-12-14T21:59:43Z")]
    [InlineData("2001-12-14T21:59:43.1234567+00:00", "2001-12-14T21:59:43.1234567Z")]
    public void A_date_in_toml_is_a_text(string written, string text)
    {
        Assert.Equal(text, Loading.Client($"user = {written} # note").User);
        Assert.Equal(text, Loading.Client($"metadatas = {{ a = {written}, b = \"x\" }}").Metadatas["a"]);
        Assert.Equal(text, Loading.Client($"start = [{written}]").Start.Single());
    }

    [Theory]
    [InlineData("metadatas", "map[string]string", "array", "[]")]
    [InlineData("metadatas.k", "string", "number", "{k = 1}")]
    [InlineData("featureGates.VirtualNet", "bool", "string", "{VirtualNet = \"on\"}")]
    [InlineData("proxies", "[]object", "object", "{}")]
    public void Toml_client(string key, string target, string found, string value)
    {
        Loading.ClientError($"{key.Split('.')[0]} = {value}", $"frpc.toml:1: field \"{key}\": cannot unmarshal {found} into {target}");
    }

    [Theory]
    [InlineData("localPort", "\"1\"", "cannot unmarshal string into int")]
    [InlineData("enabled", "\"yes\"", "cannot unmarshal string into bool")]
    [InlineData("transport.bandwidthLimit", "1", "cannot unmarshal number into string")]
    [InlineData("transport.bandwidthLimit", "\"1GB\"", "unit not support: \"1GB\" (expected a number with KB or MB, such as 1MB)")]
    [InlineData("transport.bandwidthLimit", "\"xMB\"", "strconv.ParseFloat: parsing \"x\": invalid syntax: \"xMB\" (expected a number with KB or MB, such as 1MB)")]
    [InlineData("healthCheck.httpHeaders", "{}", "cannot unmarshal object into []object")]
    [InlineData("plugin", "\"socks5\"", "cannot unmarshal string into object")]
    [InlineData("annotations", "\"x\"", "cannot unmarshal string into map[string]string")]
    public void In_a_proxy(string key, string value, string fault) => Loading.ClientError(
        $"[[proxies]]\nname = \"p\"\ntype = \"tcp\"\n{key} = {value}",
        $"frpc.toml:4: proxies[0].{key}: decode proxy at index 0: unmarshal ProxyConfig error: field \"{key}\": {fault}");

    [Fact]
    public void Entries_of_the_wrong_type()
    {
        Loading.ClientError("proxies = [\"tcp\"]", "frpc.toml:1: proxies[0]: decode proxy at index 0: cannot unmarshal string into object");
        Loading.ClientError("proxies = [{name = \"p\", type = 1}]", "frpc.toml:1: proxies[0].type: decode proxy at index 0: field \"type\": cannot unmarshal number into string");
    }

    [Fact]
    public void A_float_without_fraction_is_an_integer_in_toml_alone()
    {
        Assert.Equal(7001, Loading.Server("bindPort = 7001.0").BindPort);
        Assert.Equal(7000, Loading.Server("bindPort = 7e3").BindPort);
        Assert.Equal(["f:1: field \"bindPort\": cannot unmarshal number 7001.0 into int"], Loading.ServerErrors("{\"bindPort\": 7001.0}", "f"));
        Assert.Equal(["f:1: field \"bindPort\": cannot unmarshal number 99999999999999999999 into int"], Loading.ServerErrors("{\"bindPort\": 99999999999999999999}", "f"));
        Loading.ServerError("bindAddr = 7001.0", "frps.toml:1: field \"bindAddr\": cannot unmarshal number into string");
    }

    [Fact]
    public void Integers_beyond_64_bits_are_mistakes()
    {
        var error = Assert.Single(Loading.ServerErrors("bindPort = 99999999999999999999"));
        Assert.Contains("toml: line 1, column ", error, StringComparison.Ordinal);
    }

    [Fact]
    public void Null_leaves_an_option_as_it_is()
    {
        const string Text = """
            {"bindPort": null, "bindAddr": null, "transport": null, "detailedErrorsToClient": null, "allowPorts": null,
             "auth": {"tokenSource": null, "additionalScopes": ["HeartBeats"]}, "webServer": {"tls": null}}
            """;
        var config = Loading.Server(Text, "f");
        Assert.Equal((7000, "0.0.0.0", true), (config.BindPort, config.BindAddr, config.DetailedErrorsToClient));
        Assert.Equal((null, null), (config.Auth.TokenSource, config.WebServer.Tls));
        Assert.Equal(["", "a"], Loading.Client("{\"start\": [null, \"a\"], \"metadatas\": {\"k\": null}}", "f").Start);
    }
}
