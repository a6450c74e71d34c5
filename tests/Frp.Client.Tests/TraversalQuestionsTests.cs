using System.Globalization;
using Frp.Proxies;
using Frp.TestKit;
using Frp.Transport;
using Frp.Wire;
using Microsoft.Extensions.Time.Testing;

namespace Frp.Client.Tests;

public sealed class TraversalQuestionsTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly List<Message> _posted = [];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Answers_find_their_questions()
    {
        var questions = await NewAsync();
        var one = questions.AskAsync(new NatHoleVisitor { ProxyName = "p" }, Token).AsTask();
        var other = questions.AskAsync(new NatHoleClient { Sid = "s" }, Token).AsTask();
        string[] ids = [.. _posted.Cast<ITraversalQuestion>().Select(q => q.TransactionId)];
        string now = _time.GetUtcNow().ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
        Assert.All(ids, id => Assert.Matches($"^{now}[0-9a-f]{{16}}$", id));
        Assert.NotEqual(ids[0], ids[1]);
        questions.OnAnswer(new NatHoleResp { TransactionId = "nobody's" });
        questions.OnAnswer(new NatHoleResp { TransactionId = ids[1], Sid = "b" });
        questions.OnAnswer(new NatHoleResp { TransactionId = ids[1], Sid = "late" });
        questions.OnAnswer(new NatHoleResp { TransactionId = ids[0], Sid = "a" });
        Assert.Equal(("a", "b"), ((await one.Soon()).Sid, (await other.Soon()).Sid));
    }

    [Fact]
    public async Task A_refusal_is_told_in_the_servers_words()
    {
        var questions = await NewAsync();
        var asking = questions.AskAsync(new NatHoleVisitor(), Token).AsTask();
        questions.OnAnswer(new NatHoleResp { TransactionId = ((NatHoleVisitor)_posted[0]).TransactionId, Error = "no\n" });
        Assert.Equal(PeerText.Escape("no\n", 1024), (await Assert.ThrowsAsync<PeerRefusedException>(() => asking.Soon())).Message);
    }

    [Fact]
    public async Task A_question_waits_for_five_seconds_and_leaves_its_place()
    {
        var questions = await NewAsync();
        for (int round = 0; round < 2; round++)
        {
            var asking = Enumerable.Range(0, TraversalQuestions.MostPending).Select(_ => questions.AskAsync(new NatHoleVisitor(), Token).AsTask()).ToArray();
            var tooMany = await Assert.ThrowsAsync<IOException>(() => questions.AskAsync(new NatHoleVisitor(), Token).Soon());
            Assert.Equal("256 questions to the server wait already", tooMany.Message);
            _time.Advance(TimeSpan.FromSeconds(4.999));
            Assert.DoesNotContain(asking, a => a.IsCompleted);
            _time.Advance(TimeSpan.FromSeconds(0.001));
            foreach (var one in asking) await Assert.ThrowsAsync<TimeoutException>(() => one.Soon());
        }
    }

    [Fact]
    public async Task The_end_of_the_session_ends_what_waits_and_what_comes()
    {
        var questions = await NewAsync();
        var asking = questions.AskAsync(new NatHoleVisitor(), Token).AsTask();
        questions.Close();
        Assert.Equal("the session with the server is over", (await Assert.ThrowsAsync<IOException>(() => asking.Soon())).Message);
        await Assert.ThrowsAsync<IOException>(() => questions.AskAsync(new NatHoleVisitor(), Token).Soon());
    }

    [Fact]
    public async Task Who_gives_up_leaves_his_place()
    {
        var questions = await NewAsync();
        for (int i = 0; i <= TraversalQuestions.MostPending; i++)
        {
            using var stop = new CancellationTokenSource();
            var asking = questions.AskAsync(new NatHoleVisitor(), stop.Token).AsTask();
            await stop.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => asking.Soon());
        }
    }

    private async Task<TraversalQuestions> NewAsync()
    {
        await using var service = TcpService.Echo();
        var connection = await TcpDialer.DialAsync("127.0.0.1", service.Port, new TcpDialOptions(), TimeProvider.System, Token);
        await connection.DisposeAsync();
        return new TraversalQuestions(connection, PostAsync, _time);
    }

    private ValueTask PostAsync(Message message, CancellationToken cancellationToken)
    {
        _posted.Add(message);
        return ValueTask.CompletedTask;
    }
}
