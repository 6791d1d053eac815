#!/usr/bin/env bash
# Builds MinIO once into .bin, and runs it on loopback in the foreground with its data in build/minio.
# PORT and MINIO_ROOT_USER/MINIO_ROOT_PASSWORD may come from the environment; without, the password is new each time.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
port=${PORT:-9000}
url=http://127.0.0.1:$port

if [ ! -x .bin/minio ]; then
    if ! command -v go >/dev/null; then
        echo "minio: Go is needed to build MinIO and was not found: install it from go.dev, or put a minio program into .bin/." >&2
        exit 2
    fi
    echo "minio: building it with go, about 2 minutes" >&2
    GOBIN=$PWD/.bin go install github.com/minio/minio@latest
fi

random() { .venv/bin/python -c 'import secrets; print(secrets.token_hex(16))'; }
export MINIO_ROOT_USER=${MINIO_ROOT_USER:-lake} MINIO_ROOT_PASSWORD=${MINIO_ROOT_PASSWORD:-$(random)}
export AWS_ACCESS_KEY_ID=$MINIO_ROOT_USER AWS_SECRET_ACCESS_KEY=$MINIO_ROOT_PASSWORD AWS_REGION=us-east-1

mkdir -p build/minio
.bin/minio server build/minio --address "127.0.0.1:$port" --quiet &
server=$!
trap 'kill "$server" 2>/dev/null; wait "$server" 2>/dev/null || true' EXIT

.venv/bin/python scripts/make_bucket.py "$url" lake || exit 2
kill -0 "$server" 2>/dev/null || { echo "minio: it ended at once: is port $port taken? PORT=… picks another." >&2; exit 2; }
cat <<EOT
In another terminal:

export AWS_ENDPOINT_URL=$url AWS_REGION=$AWS_REGION
export AWS_ACCESS_KEY_ID=$AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY=$AWS_SECRET_ACCESS_KEY
.venv/bin/python jobs/run.py --lake s3a://lake/demo --conf-env s3 --as-of 2024-12-30

Ctrl-C ends it; the data stay in build/minio.
EOT
wait "$server"
