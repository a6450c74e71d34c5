using System.Text;

namespace Frp.TestKit;

/// <summary>What a program, or a logger, has said so far; texts in it can be waited for.</summary>
/// <remarks><b>Concurrency.</b> Any number of writers and waiters. Waiters are told by the writer whose piece completes their text.</remarks>
public sealed class CapturedText
{
    private readonly Lock _lock = new();
    private readonly StringBuilder _text = new();
    private readonly List<Waiter> _waiters = [];
    private bool _complete;

    /// <summary>All of it.</summary>
    public override string ToString()
    {
        lock (_lock) return _text.ToString();
    }

    /// <summary>How often a text has occurred.</summary>
    public int Count(string text)
    {
        string all = ToString();
        int count = 0;
        for (int at = 0; (at = all.IndexOf(text, at, StringComparison.Ordinal)) >= 0; at += text.Length) count++;
        return count;
    }

    /// <summary>Waits until a text has occurred.</summary>
    /// <param name="text">The text, in one piece.</param>
    /// <param name="times">How often it has to have occurred, from the beginning.</param>
    /// <exception cref="TimeoutException">It has not, and the limit has passed or the writer has ended.</exception>
    public async Task WaitForAsync(string text, int times = 1)
    {
        var waiter = new Waiter(text, times);
        lock (_lock) _waiters.Add(waiter);
        Tell();
        try
        {
            await waiter.Signal.Task.WaitAsync(Patience.Limit);
        }
        catch (TimeoutException e)
        {
            throw new TimeoutException($"\"{text}\" has occurred {Count(text)} of {times} times in:\n{this}", e);
        }
        finally
        {
            lock (_lock) _waiters.Remove(waiter);
        }
    }

    /// <summary>Adds a piece.</summary>
    public void Append(ReadOnlySpan<char> piece)
    {
        lock (_lock) _text.Append(piece);
        Tell();
    }

    /// <summary>Nothing more will come: whoever still waits is told so.</summary>
    public void Complete()
    {
        lock (_lock) _complete = true;
        Tell();
    }

    private void Tell()
    {
        Waiter[] waiters;
        bool complete;
        lock (_lock) (waiters, complete) = ([.. _waiters], _complete);
        foreach (var waiter in waiters)
        {
            if (Count(waiter.Text) >= waiter.Times) waiter.Signal.TrySetResult();
            else if (complete) waiter.Signal.TrySetException(new TimeoutException("the writer has ended"));
        }
    }

    private sealed record Waiter(string Text, int Times)
    {
        internal TaskCompletionSource Signal { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
