# syntax=docker/dockerfile:1

# docs/container.md says how to pin the images by digest.
# With a compiler, in case there is no binary of better-sqlite3 for this platform.
FROM node:24-bookworm AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# Optional are TypeScript, Express and what else only development needs.
RUN npm ci --omit=dev --omit=optional
COPY scripts/prune-node-modules.mjs scripts/
RUN node scripts/prune-node-modules.mjs

FROM node:24-bookworm AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
COPY console/package.json console/
RUN npm ci
COPY .swcrc nest-cli.json tsconfig.json ./
COPY src src
COPY console console
COPY scripts/bundle.mjs scripts/
RUN npm run build && find dist -name '*.map' -delete

FROM node:24-bookworm-slim
LABEL org.opencontainers.image.title="Tillkeeper" \
      org.opencontainers.image.description="Keeps the Stripe keys of many projects and puts them to work" \
      org.opencontainers.image.licenses="MIT"
ENV NODE_ENV=production \
    PORT=3000 \
    DATA_DIR=/data
WORKDIR /app
# Nothing here is the server's to change but /data, which only SQLite needs.
RUN install --directory --owner=node --group=node --mode=0700 /data
COPY --from=dependencies /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY package.json LICENSE ./
USER node
VOLUME /data
EXPOSE 3000
# Failures while the first start migrates do not count.
HEALTHCHECK --start-period=60s --interval=10s --timeout=5s --retries=6 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/health/ready`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "--disable-sigusr1", "--max-semi-space-size=8", "dist/main.js"]
