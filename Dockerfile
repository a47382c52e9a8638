# The image of weftd: `docker build -t weftd .` or `buildah bud --format docker -t weftd .` (the
# format keeps the health check). deploy/container/README.md tells how to run it.
ARG BASE=docker.io/library/debian:bookworm-slim

FROM ${BASE} AS tools
# A file with further certificates, where npm's registry is behind a proxy of one's own.
ARG NODE_EXTRA_CA_CERTS
WORKDIR /src
COPY deploy/install-deps.sh deploy/
COPY deploy/tools/package.json deploy/tools/package-lock.json deploy/tools/
RUN deploy/install-deps.sh --build

FROM tools AS build
# ccache takes the locale for a part of what it has compiled.
ENV LANG=C.UTF-8
COPY . .
RUN cmake --preset package \
  && cmake --build --preset package --target weftd weft weft_documents \
  && DESTDIR=/out cmake --install build/package --component weftd --strip
# The Debian packages with the libraries that the two programs were linked with.
RUN mkdir -p debian && touch debian/control \
  && dpkg-shlibdeps -O /out/usr/bin/weftd /out/usr/bin/weft >/out/shlibs \
  && sed 's/^shlibs:Depends=//; s/([^)]*)//g; s/,//g' /out/shlibs >/out/packages

FROM ${BASE}
ARG VERSION=0.1.0
ARG REVISION=
LABEL org.opencontainers.image.title="weftd" \
  org.opencontainers.image.description="A task server for microsecond work" \
  org.opencontainers.image.licenses="Apache-2.0" \
  org.opencontainers.image.version="${VERSION}" \
  org.opencontainers.image.revision="${REVISION}" \
  org.opencontainers.image.base.name="docker.io/library/debian:bookworm-slim"
COPY --from=build /out/packages /usr/share/weft/packages
RUN apt-get update -qq \
  && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
    $(cat /usr/share/weft/packages) \
  && apt-get clean \
  && rm -rf /var/lib/apt/lists/* /var/cache/debconf/*-old /var/log/apt /var/log/dpkg.log \
  && groupadd --system --gid 7411 weft \
  && useradd --system --uid 7411 --gid weft --no-create-home --home-dir /nonexistent \
    --shell /usr/sbin/nologin weft \
  && install -d -o weft -g weft -m 0750 /var/lib/weft
COPY --from=build /out/usr/bin/ /usr/bin/
COPY --from=build /out/etc/weft/ /etc/weft/
RUN weftd --version && weft version

USER weft
# With rpc.unix_socket = "auto" the socket is /run/weftd/weft/weftd.sock, in a folder that only the
# daemon's user enters; it is left out where /run/weftd cannot be written. The image has no such
# folder: podman would give the mode of it, less its umask, to what is mounted there.
ENV XDG_RUNTIME_DIR=/run/weftd
# gRPC and metrics. Both are on the container's loopback until security.insecure is set.
EXPOSE 7411 7412
STOPSIGNAL SIGTERM
# Asks 127.0.0.1:7411, or WEFT_TARGET where that is set.
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s --retries=3 CMD ["weft", "health"]
ENTRYPOINT ["weftd", "--config", "/etc/weft/weftd.toml"]
