"""An S3-compatible server on the loopback, for the tests of the registry: moto, one request at a time.

moto looks whether a key exists and then writes it, without a lock. S3 does both at once (`If-None-Match: *` has exactly one
winner), and so does this server, because it never serves two requests at the same time. Prints its port, then serves until its
standard input ends. With `--forgetful` it ignores that condition, as some stores do.
"""

import sys
import threading

import boto3
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server


class Quiet(WSGIRequestHandler):
    def log_request(self, *_arguments):
        pass


application = DomainDispatcherApplication(create_backend_app)


def forgetful(environ, start_response):
    environ.pop("HTTP_IF_NONE_MATCH", None)
    return application(environ, start_response)


server = make_server(
    "127.0.0.1",
    0,
    forgetful if "--forgetful" in sys.argv else application,
    threaded=False,
    request_handler=Quiet,
)
threading.Thread(target=server.serve_forever, daemon=True).start()
boto3.client(
    "s3",
    endpoint_url=f"http://127.0.0.1:{server.port}",
    region_name="us-east-1",
    aws_access_key_id="test",
    aws_secret_access_key="test",
).create_bucket(Bucket="models")
print(server.port, flush=True)
sys.stdin.read()
