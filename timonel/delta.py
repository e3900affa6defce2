"""What all parts that keep Delta tables need: how to reach S3, and how the libraries say what failed."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from pyarrow import fs

FULL = ("No space left on device", "Disk quota exceeded", "os error 28", "os error 122")
"""How the native libraries say that a disk is full."""

CREDENTIALS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
CONNECT_SECONDS = 5.0
ATTEMPTS = 3


def first_line(error: BaseException) -> str:
    """The first line of an error's text: the native libraries append their stack."""
    return (str(error).splitlines() or [type(error).__name__])[0]


def s3_region(environment: Mapping[str, str]) -> str:
    """The region; S3's default one if none is set."""
    return environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION") or "us-east-1"


def s3_endpoint(environment: Mapping[str, str]) -> str | None:
    """The address of what speaks S3; None: AWS's own."""
    return environment.get("AWS_ENDPOINT_URL_S3") or environment.get("AWS_ENDPOINT_URL") or None


def s3_options(environment: Mapping[str, str]) -> dict[str, str]:
    """deltalake's storage options; without a key in the environment it takes the machine's role."""
    options = {"AWS_REGION": s3_region(environment)}
    options |= {name: environment[name] for name in CREDENTIALS if environment.get(name)}
    endpoint = s3_endpoint(environment)
    if endpoint:
        options |= {"AWS_ENDPOINT_URL": endpoint}
    if endpoint and endpoint.startswith("http://"):
        options |= {"AWS_ALLOW_HTTP": "true"}
    return options


def s3_filesystem(environment: Mapping[str, str]) -> fs.S3FileSystem:
    """The objects themselves, by the same variables; it gives up after `ATTEMPTS`."""
    address = urlsplit(s3_endpoint(environment) or "")
    return fs.S3FileSystem(
        access_key=environment.get("AWS_ACCESS_KEY_ID"),
        secret_key=environment.get("AWS_SECRET_ACCESS_KEY"),
        session_token=environment.get("AWS_SESSION_TOKEN"),
        region=s3_region(environment),
        endpoint_override=address.netloc or None,
        scheme=address.scheme or "https",
        connect_timeout=CONNECT_SECONDS,
        retry_strategy=fs.AwsStandardS3RetryStrategy(max_attempts=ATTEMPTS),
    )
