namespace Frp.Wire;

/// <summary>
/// A message of the frp protocol: what the two programs say to each other on a control, work or visitor connection.
/// </summary>
/// <remarks>
/// One record per message, named as on the wire. The binding of a record to its v1 byte, its v2 id and its JSON shape is one
/// line in <c>MessageTypes</c>. Every field is optional: an absent or <c>null</c> member leaves the default, and a
/// member that holds its default (zero, <c>false</c>, an empty text or collection) is not written.
/// <para>Source: docs/wire/messages.md.</para>
/// </remarks>
public abstract record Message;
