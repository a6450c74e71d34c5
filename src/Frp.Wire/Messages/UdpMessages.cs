using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.Json.Serialization;

namespace Frp.Wire;

/// <summary>Either end of a udp or sudp work connection: one datagram of one user.</summary>
/// <remarks>Two packets are equal when they share the same content memory and addresses: equality is for tests of identity, not of bytes.</remarks>
public sealed record UDPPacket : Message
{
    /// <summary>The datagram; absent on the wire when it is empty.</summary>
    [JsonPropertyName("c")] public ReadOnlyMemory<byte> Content { get; set; }
    /// <summary>Local address. The reference never sets it.</summary>
    [JsonPropertyName("l")] public UdpAddress? Local { get; set; }
    /// <summary>The user's address: the key under which answers find their way back. An answer carries it unchanged.</summary>
    [JsonPropertyName("r")] public UdpAddress? Remote { get; set; }
}

/// <summary>A UDP address as frp writes it: three members, always present, with Go's capital letters.</summary>
/// <remarks>
/// Texts are kept as the peer sent them, so that an answer can carry them back unchanged (a zone may be an interface name of the
/// peer's). Immutable: packets of one flow may share an instance, and equality makes it a key.
/// </remarks>
public sealed record UdpAddress
{
    /// <summary>Textual address; an IPv4-mapped IPv6 address is written as IPv4. Empty when unset.</summary>
    [JsonPropertyName("IP"), JsonIgnore(Condition = JsonIgnoreCondition.Never)] public string IP { get => field ?? ""; init; }
    /// <summary>Port.</summary>
    [JsonPropertyName("Port"), JsonIgnore(Condition = JsonIgnoreCondition.Never)] public ushort Port { get; init; }
    /// <summary>IPv6 zone: a number or an interface name of the machine that wrote it.</summary>
    [JsonPropertyName("Zone"), JsonIgnore(Condition = JsonIgnoreCondition.Never)] public string Zone { get => field ?? ""; init; }

    /// <summary>The address of an end point; IPv4-mapped IPv6 is unmapped, a scope id becomes a numeric zone.</summary>
    public static UdpAddress From(IPEndPoint endPoint)
    {
        ArgumentNullException.ThrowIfNull(endPoint);
        var address = endPoint.Address;
        if (address.IsIPv4MappedToIPv6) address = address.MapToIPv4();
        var zone = "";
        if (address.AddressFamily == AddressFamily.InterNetworkV6 && address.ScopeId != 0)
        {
            zone = address.ScopeId.ToString(CultureInfo.InvariantCulture);
            address = new IPAddress(address.GetAddressBytes());
        }
        return new UdpAddress { IP = address.ToString(), Port = (ushort)endPoint.Port, Zone = zone };
    }

    /// <summary>The end point meant; false when the text is no IP address. A zone that is not a number is left out.</summary>
    public bool TryGetEndPoint([System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out IPEndPoint? endPoint)
    {
        endPoint = null;
        if (!IPAddress.TryParse(IP, out var address)) return false;
        if (address.AddressFamily == AddressFamily.InterNetworkV6 &&
            uint.TryParse(Zone, NumberStyles.None, CultureInfo.InvariantCulture, out var scope)) address.ScopeId = scope;
        endPoint = new IPEndPoint(address, Port);
        return true;
    }
}
