# docker build -t statescope . && docker run --rm -p 8080:8080 statescope
#
# A tag may come to mean another image. To pin the base for good, write the digest that `docker buildx imagetools inspect` shows behind it:
# node:24.20.0-bookworm-slim@sha256:...
ARG NODE_IMAGE=node:24.20.0-bookworm-slim

FROM ${NODE_IMAGE} AS build
RUN apt-get update \
  && apt-get install --yes --no-install-recommends g++ python3 python3-pip \
  && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci
# The image has the engine that is asked for, or is not built: tfjs (native TensorFlow, 0.6 GB) or wasm.
ARG ENGINE=tfjs
COPY scripts scripts
RUN STATESCOPE_CACHE=/tmp/statescope ENGINE=${ENGINE} node scripts/engine.mjs && rm -rf /tmp/statescope
COPY tsconfig.json ./
COPY src src
RUN node scripts/build.mjs && npm prune --omit=dev

FROM ${NODE_IMAGE}
ENV NODE_ENV=production HOST=0.0.0.0 PORT=8080 MODELS_DIR=/app/models
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist/src dist/src
COPY --from=build /app/dist/inspector dist/inspector
COPY --from=build /app/dist/native dist/native
COPY models models
USER node
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/health/ready`).then(answer => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
# Node as process 1: the service closes on SIGTERM by itself and starts no other programs.
CMD ["node", "dist/src/cli.js"]
