using Frp.Hosting;
using Frpc;

NativeHeap.UseOneArena();
SocketCompletions.RunInline();
SystemTrust.LeaveUnloaded();
return await ConsoleProgram.RunAsync(ClientCommands.Create(), args);
