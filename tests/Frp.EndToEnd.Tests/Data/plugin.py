"""A server plug-in for tests: plugin.py [CERTIFICATE_AND_KEY]. Its first line says where it listens; each further one is a request.

What it answers is the path's affair.
"""
import http.server
import json
import ssl
import sys

KEEP = {"reject": False, "reject_reason": "", "unchange": True, "content": None}


def answer(path, content):
    if path == "/reject":
        return {"reject": True, "reject_reason": "not today", "unchange": False, "content": None}
    if path == "/reject-without-reason":
        return {"reject": True}
    if path == "/token":
        right = (content.get("metas") or {}).get("token") == "123"
        return KEEP if right else {"reject": True, "reject_reason": "invalid meta token"}
    if path.startswith("/port/"):
        return {"unchange": False, "content": {**content, "remote_port": int(path[6:])}}
    if path == "/rename-user":
        return {"Unchange": False, "Content": {**content, "user": "renamed"}}
    if path == "/blank":
        return {}
    if path == "/null":
        return {"unchange": False, "content": None}
    return KEEP


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        print("request", self.path, self.headers["X-Frp-Reqid"], self.headers["Content-Type"], body, flush=True)
        path = self.path.split("?")[0]
        if path == "/redirect":
            return self.say(307, b"", Location="/reject?" + self.path.split("?")[1])
        if path == "/500":
            return self.say(500, b"{}")
        if path == "/garbage":
            return self.say(200, b"hello")
        if path == "/huge":
            return self.say(200, b" " * (2 << 20))
        self.say(200, json.dumps(answer(path, json.loads(body)["content"])).encode())

    def say(self, status, body, **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
if len(sys.argv) > 1:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[1])
    server.socket = context.wrap_socket(server.socket, server_side=True)
print("listening", server.server_address[1], flush=True)
server.serve_forever()
