# Prime in a container: `docker build -t prime .`, then `docker run --env-file .env prime`.
# It runs as a user of its own on a read-only root, and writes to /var/lib/prime alone (docs/operating.md).
# tests/scenario/test_image.py carries these lines out, with the machine it runs on in the place of the base image.
ARG BASE=docker.io/library/python:3.12-slim-bookworm

FROM ${BASE} AS build
WORKDIR /src
COPY . .
RUN bash .ci/setup /opt/prime

FROM ${BASE}
# The embedded Postgres asks the user list for the name of the user that it runs as.
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /var/lib/prime --shell /usr/sbin/nologin prime \
    && install --directory --owner=prime --group=prime --mode=0700 /var/lib/prime
COPY --from=build /opt/prime /opt/prime
ENV PATH=/opt/prime/bin:$PATH \
    HOME=/var/lib/prime \
    TMPDIR=/var/lib/prime \
    PRIME_DATA_DIR=/var/lib/prime \
    PRIME_HTTP_ADDR=0.0.0.0:8300 \
    PRIME_METRICS_ADDR=0.0.0.0:8301 \
    PRIME_LOG_FORMAT=json
USER 10001:10001
VOLUME /var/lib/prime
EXPOSE 8300 8301
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s \
    CMD python -c "import os, urllib.request as u; u.urlopen('http://127.0.0.1:' + os.environ['PRIME_HTTP_ADDR'].split(':')[-1] + '/healthz', timeout=4)"
ENTRYPOINT ["prime"]
CMD ["run"]
