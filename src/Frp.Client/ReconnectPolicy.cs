namespace Frp.Client;

/// <summary>How long to wait before the next login (wire specification §10.7).</summary>
/// <remarks>
/// <para>Until a first login has succeeded, and between failed logins later, the delay doubles from a second. After a session
/// that had been established is lost, the next login starts at once; the losses behind it get short delays, three in a minute, and
/// doubling ones beyond that. Jitter keeps a thousand clients from coming back in step.</para>
/// <para>Pure: time and randomness come in as arguments.</para>
/// </remarks>
internal sealed class ReconnectPolicy(TimeProvider time, Func<double> random)
{
    private static readonly TimeSpan FirstDelay = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan FirstLoginCap = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Cap = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan QuickDelay = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan QuickWindow = TimeSpan.FromMinutes(1);
    private const int QuickRetries = 3;

    private TimeSpan _failure;
    private TimeSpan _loss;
    private bool _everLoggedIn;
    private int _quick;
    private long _quickSince;

    /// <summary>A login attempt failed: how long to wait.</summary>
    internal TimeSpan AfterFailure()
    {
        var cap = _everLoggedIn ? Cap : FirstLoginCap;
        _failure = Min((_failure == TimeSpan.Zero ? FirstDelay : _failure) * 2, cap);
        return Min(_failure * (1 + 0.1 * random()), cap * 1.1);
    }

    /// <summary>A login succeeded.</summary>
    internal void Succeeded() => (_everLoggedIn, _failure) = (true, TimeSpan.Zero);

    /// <summary>An established session was lost: how long to wait.</summary>
    internal TimeSpan AfterLoss()
    {
        if (_quick == 0 || time.GetElapsedTime(_quickSince) >= QuickWindow) (_quick, _quickSince, _loss) = (0, time.GetTimestamp(), TimeSpan.Zero);
        if (_quick++ == 0) return TimeSpan.Zero;
        if (_quick <= QuickRetries)
        {
            _loss = QuickDelay;
            return QuickDelay * (1 + 0.5 * random());
        }
        _loss = Min(_loss * 2, Cap);
        return _loss * (1 + 0.1 * random());
    }

    private static TimeSpan Min(TimeSpan a, TimeSpan b) => a < b ? a : b;
}
