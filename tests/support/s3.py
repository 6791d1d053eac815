"""An S3 server for tests: moto's, on a free port of loopback, in memory, gone with the test process.

Use it as a plugin: `pytest_plugins = ["tests.support.s3"]` in the root conftest, or import the fixtures.
"""

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import boto3
import pytest
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server

REGION = "us-east-1"
Environ = dict[str, Any]
Hook = Callable[[str], None]


@dataclass
class S3Server:
    """moto's server with what S3 promises and moto lacks: a conditional put is one step, never two.

    `before_put` is called once with the path of the next put that is about to be done, before it is done.
    `lose_answer_to` names a part of a path: the next put to such a path is done, and answered with a 500.
    """

    url: str = ""
    before_put: Hook | None = None
    lose_answer_to: str | None = None
    _app: Any = field(default_factory=lambda: DomainDispatcherApplication(create_backend_app))
    _one_writer: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer one request (WSGI)."""
        if environ["REQUEST_METHOD"] not in ("PUT", "POST"):
            return self._app(environ, start_response)
        path = environ["PATH_INFO"]
        hook, self.before_put = self.before_put, None
        if hook:
            hook(path)
        with self._one_writer:
            if not (self.lose_answer_to and self.lose_answer_to in path):
                return list(self._app(environ, start_response))
            self.lose_answer_to = None
            list(self._app(environ, lambda *_, **__: None))
        start_response("500 Internal Server Error", [("Content-Length", "0")])
        return []


class Handler(MotoRequestHandler):
    """Sends at once: headers and body are two writes, and else the second waits 40 ms for an ACK of the first."""

    disable_nagle_algorithm = True


@pytest.fixture(scope="session")
def s3_server() -> Iterator[S3Server]:
    """A running server, with dummy credentials and its address in the environment for as long as it runs."""
    app = S3Server()
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Handler)
    app.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "testing")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        patch.setenv("AWS_ENDPOINT_URL", app.url)
        patch.setenv("AWS_REGION", REGION)
        patch.setenv("AWS_DEFAULT_REGION", REGION)
        patch.delenv("AWS_PROFILE", raising=False)
        patch.delenv("AWS_SESSION_TOKEN", raising=False)
        yield app
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="session")
def s3_endpoint(s3_server: S3Server) -> str:
    """URL of the server."""
    return s3_server.url


@pytest.fixture
def s3_bucket(s3_endpoint: str) -> str:
    """Name of an empty bucket of this test's own."""
    name = f"lake-{uuid4().hex[:12]}"
    boto3.client("s3", endpoint_url=s3_endpoint, region_name=REGION).create_bucket(Bucket=name)
    return name


def bucket_settings(bucket: str, url: str) -> dict[str, str]:
    """S3A settings for one bucket, for a Hadoop configuration of a session that began before the server."""
    settings = {
        "endpoint": url,
        "endpoint.region": REGION,
        "path.style.access": "true",
        "connection.ssl.enabled": "false",
        "access.key": "testing",
        "secret.key": "testing",
        "aws.credentials.provider": "org.apache.hadoop.fs.s3a.SimpleAWSCredentialsProvider",
    }
    return {f"fs.s3a.bucket.{bucket}.{name}": value for name, value in settings.items()}


def s3_environment() -> dict[str, str]:
    """What a child process needs in its environment to reach the running server."""
    return {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
