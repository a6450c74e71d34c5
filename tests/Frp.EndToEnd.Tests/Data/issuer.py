"""An OpenID Connect issuer for tests: discovery, keys, and a token endpoint for the client credentials grant.

usage: issuer.py PORT [TLS_PORT CERT_AND_KEY]

The client is "frpc" with the secret "s3cret:/+ %". A token is what the form's fields ask for, so that every client can have its own:
  x_sub, x_aud, x_iss      claims                       x_exp   seconds until it expires (default 3600)
  x_alg                    RS256 (default), PS256, ES256, none, or HS256, whose secret is the public key in PEM
  x_kid                    the key id that the header names    x_broken  a signature that is not right
  x_lifetime               expires_in as the answer says it; empty for none
  x_style                  how the credentials have to come: basic or form; anything without it
GET /rotate makes new keys with new ids; GET /rotate?same gives them the old ids. Every request is a line on standard output.
"""
import base64
import json
import ssl
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, unquote_plus

from cryptography.hazmat.primitives import hashes, hmac, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils

CLIENT, SECRET = "frpc", "s3cret:/+ %"


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def number(value, length=None):
    return b64(value.to_bytes(length or (value.bit_length() + 7) // 8, "big"))


class Keys:
    def __init__(self, generation):
        self.rsa = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.ec = ec.generate_private_key(ec.SECP256R1())
        self.names = {"RS256": f"rsa-{generation}", "PS256": f"rsa-{generation}", "HS256": f"rsa-{generation}", "none": "", "ES256": f"ec-{generation}"}

    def document(self):
        r, e = self.rsa.public_key().public_numbers(), self.ec.public_key().public_numbers()
        return {"keys": [
            {"kty": "RSA", "use": "sig", "kid": self.names["RS256"], "n": number(r.n), "e": number(r.e)},
            {"kty": "EC", "use": "sig", "kid": self.names["ES256"], "crv": "P-256", "x": number(e.x, 32), "y": number(e.y, 32)},
            {"kty": "oct", "kid": "shared", "k": b64(b"a secret that has no place in here")},
        ]}

    def sign(self, alg, data):
        if alg == "RS256":
            return self.rsa.sign(data, padding.PKCS1v15(), hashes.SHA256())
        if alg == "PS256":
            return self.rsa.sign(data, padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256())
        if alg == "ES256":
            r, s = utils.decode_dss_signature(self.ec.sign(data, ec.ECDSA(hashes.SHA256())))
            return r.to_bytes(32, "big") + s.to_bytes(32, "big")
        if alg == "HS256":
            pem = self.rsa.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
            mac = hmac.HMAC(pem, hashes.SHA256())
            mac.update(data)
            return mac.finalize()
        return b""


def token(fields):
    alg, now = fields.get("x_alg", "RS256"), int(time.time())
    header = {"alg": alg, "typ": "JWT", "kid": fields.get("x_kid", keys.names[alg])}
    claims = {"iss": fields.get("x_iss", base), "sub": fields.get("x_sub", "subject-1"), "aud": fields.get("x_aud", fields.get("audience", "frps")),
              "iat": now, "exp": now + int(fields.get("x_exp", "3600"))}
    data = ".".join(b64(json.dumps(part).encode()) for part in (header, claims))
    signature = keys.sign(alg, data.encode())
    if "x_broken" in fields:
        signature = signature[:-1] + bytes([signature[-1] ^ 1])
    return f"{data}.{b64(signature)}"


class Issuer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self):
        global keys, generation
        say(f"GET {self.path}")
        if self.path == "/.well-known/openid-configuration":
            self.answer(200, {"issuer": base, "jwks_uri": base + "/keys", "token_endpoint": base + "/token",
                              "id_token_signing_alg_values_supported": ["RS256", "PS256", "ES256", "HS256", "none"]})
        elif self.path == "/keys":
            self.answer(200, keys.document())
        elif self.path.startswith("/rotate"):
            if not self.path.endswith("?same"):
                generation += 1
            keys = Keys(generation)
            self.answer(200, {})
        else:
            self.answer(404, {})

    def do_POST(self):
        fields = dict(parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode(), keep_blank_values=True))
        style, given = "none", None
        if self.headers["Authorization"]:
            style = "basic"
            given = tuple(unquote_plus(part) for part in base64.b64decode(self.headers["Authorization"].split()[1]).decode().split(":", 1))
        elif "client_id" in fields:
            style, given = "form", (fields["client_id"], fields.get("client_secret"))
        say(f"POST {self.path} {style} " + " ".join(f"{name}=[{value}]" for name, value in sorted(fields.items()) if name != "client_secret"))
        if given != (CLIENT, SECRET) or fields.get("x_style", style) != style:
            # Some repeat what they were told.
            self.answer(401, {"error": "invalid_client", "error_description": f"not by {style}: {given and given[1]}"})
        elif fields["grant_type"] != "client_credentials":
            self.answer(400, {"error": "unsupported_grant_type"})
        else:
            body = {"access_token": token(fields), "token_type": "Bearer"}
            if fields.get("x_lifetime", "3600"):
                body["expires_in"] = int(fields.get("x_lifetime", "3600"))
            self.answer(200, body)


def say(text):
    with lock:
        print(text, flush=True)


lock, generation = threading.Lock(), 1
keys = Keys(generation)
base = f"http://127.0.0.1:{sys.argv[1]}"
if len(sys.argv) > 2:
    secured = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[2])), Issuer)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[3])
    secured.socket = context.wrap_socket(secured.socket, server_side=True)
    threading.Thread(target=secured.serve_forever, daemon=True).start()
server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Issuer)
say("the issuer listens")
server.serve_forever()
