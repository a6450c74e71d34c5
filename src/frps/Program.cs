using Frp.Hosting;
using Frps;

NativeHeap.UseOneArena();
SocketCompletions.RunInline();
SystemTrust.LeaveUnloaded(); // clients are verified against the configured file, or not at all; only an identity provider is public
return await ConsoleProgram.RunAsync(ServerCommands.Create(), args);
