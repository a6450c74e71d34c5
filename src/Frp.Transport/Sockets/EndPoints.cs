using System.Net;

namespace Frp.Transport;

/// <summary>Addresses as people and peers are shown them.</summary>
public static class EndPoints
{
    /// <summary>The IPv4 end point behind an IPv4-mapped IPv6 one; anything else unchanged.</summary>
    /// <remarks>A dual-stack socket sees IPv4 peers as <c>::ffff:a.b.c.d</c>; no log line, header or message may show that form.</remarks>
    public static EndPoint? Unmap(EndPoint? endPoint) =>
        endPoint is IPEndPoint { Address.IsIPv4MappedToIPv6: true } mapped
            ? new IPEndPoint(mapped.Address.MapToIPv4(), mapped.Port)
            : endPoint;

    /// <summary>Host and port as one string; an IPv6 literal is put in brackets.</summary>
    public static string Join(string host, int port) =>
        host.Contains(':') && !host.StartsWith('[') ? $"[{host}]:{port}" : $"{host}:{port}";
}
