# Two images: `service` is the `sos` command (API, worker, migrations), `database` is PostgreSQL with q3c.

FROM python:3.11-slim-bookworm AS build
WORKDIR /src
COPY .ci/requirements-uv.lock requirements.lock ./
RUN python -m venv /uv \
    && /uv/bin/pip install --no-cache-dir --require-hashes -r requirements-uv.lock \
    && /uv/bin/uv venv /opt/sos \
    && /uv/bin/uv pip install --no-cache --python /opt/sos/bin/python --compile-bytecode --require-hashes -r requirements.lock
COPY pyproject.toml README.md ./
COPY app app
COPY workers workers
COPY migrations migrations
RUN /uv/bin/uv pip install --no-cache --python /opt/sos/bin/python --compile-bytecode --no-deps .

FROM python:3.11-slim-bookworm AS service
RUN useradd --uid 10001 --create-home --home-dir /state sos
COPY --from=build /opt/sos /opt/sos
ENV PATH=/opt/sos/bin:$PATH \
    SOS_HOST=0.0.0.0 \
    SOS_PORT=8000 \
    SOS_STATE=/state
USER 10001
WORKDIR /state
VOLUME /state
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen(f'http://127.0.0.1:{os.environ[\"SOS_PORT\"]}/healthz', timeout=4)"]
ENTRYPOINT ["sos"]
CMD ["serve"]

FROM postgres:17-bookworm AS database
# The image's own package list carries one q3c for its PostgreSQL; an older one cannot be asked for.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends postgresql-17-q3c \
    && rm -rf /var/lib/apt/lists/* \
    && echo 'CREATE EXTENSION q3c;' > /docker-entrypoint-initdb.d/q3c.sql
