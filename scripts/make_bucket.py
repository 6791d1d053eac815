"""Create a bucket on an S3 server that is just starting: python scripts/make_bucket.py URL BUCKET."""

import sys
import time

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

SECONDS_TO_START = 30
THERE_ALREADY = ("BucketAlreadyOwnedByYou", "BucketAlreadyExists")


def make_bucket(url: str, bucket: str) -> None:
    """Wait for the server, then create the bucket where it is not there yet.

    Raises:
        BotoCoreError: no server answered within half a minute.
        ClientError: it refused.
    """
    client = boto3.client("s3", endpoint_url=url, config=Config(retries={"max_attempts": 0}, connect_timeout=2))
    for second in range(SECONDS_TO_START):
        try:
            client.create_bucket(Bucket=bucket)
            return
        except ClientError as refusal:
            if refusal.response["Error"]["Code"] in THERE_ALREADY:
                return
            if refusal.response["ResponseMetadata"]["HTTPStatusCode"] < 500 or second == SECONDS_TO_START - 1:
                raise
        except BotoCoreError:
            if second == SECONDS_TO_START - 1:
                raise
        time.sleep(1)


if __name__ == "__main__":
    make_bucket(sys.argv[1], sys.argv[2])
