# syntax=docker/dockerfile:1
# The server: the packed package and the driver of PostgreSQL, and nothing else.

FROM node:24-slim AS build
WORKDIR /source
COPY . .
RUN npm run build && mkdir /packed && npm pack --ignore-scripts --pack-destination /packed

FROM node:24-slim AS install
WORKDIR /app
COPY --from=build /packed/ /packed/
RUN npm init --yes > /dev/null && npm install --omit=dev --no-audit --no-fund /packed/tachograph-*.tgz pg@8.23.1

FROM node:24-slim
ENV NODE_ENV=production TACHOGRAPH_HOME=/data
WORKDIR /app
COPY --from=install /app/node_modules ./node_modules
RUN ln -s /app/node_modules/.bin/tachograph /usr/local/bin/tachograph \
  && mkdir /data && chown node:node /data && chmod 700 /data
USER node
VOLUME /data
EXPOSE 7411
HEALTHCHECK --interval=10s --timeout=6s --start-period=20s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:7411/healthz').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["tachograph"]
CMD ["serve", "--host", "0.0.0.0", "--no-sample", "--log", "json"]
