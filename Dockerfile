# One image for every process; the command names the process: web, engine, worker, beat, migrate, simulator.

FROM node:24-slim AS assets
WORKDIR /build/web/assets
COPY web/assets/ ./
COPY web/templates/booking/ ../templates/booking/
RUN npm ci --no-progress && node copy.mjs /vendor

FROM python:3.12-slim AS packages
WORKDIR /build
COPY requirements-uv.txt requirements.txt ./
RUN pip install --no-cache-dir --require-hashes -r requirements-uv.txt \
    && python -m venv --without-pip /opt/filodiretto \
    && uv pip sync --no-cache --require-hashes --python /opt/filodiretto/bin/python requirements.txt \
    && /opt/filodiretto/bin/python -m compileall -q /opt/filodiretto/lib

FROM python:3.12-slim
# pg_dump and pg_restore of the server's version, from PostgreSQL's own archive: backups are made and brought back here.
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates postgresql-common \
    && /usr/share/postgresql-common/pgdg/apt.postgresql.org.sh -y \
    && apt-get install -y --no-install-recommends postgresql-client-18 && rm -rf /var/lib/apt/lists/*
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin filodiretto
COPY --from=packages /opt/filodiretto /opt/filodiretto
WORKDIR /app
COPY pyproject.toml ./
COPY crm/ crm/
COPY telephony/ telephony/
COPY outbound/ outbound/
COPY web/ web/
COPY --from=assets /vendor web/static/vendor
ENV PATH=/opt/filodiretto/bin:$PATH PYTHONPATH=/app PYTHONUNBUFFERED=1 FILODIRETTO_HOST=0.0.0.0
RUN python -m compileall -q /app && install -d -o filodiretto -g filodiretto /var/lib/filodiretto
USER filodiretto
EXPOSE 8000
ENTRYPOINT ["python", "-m", "web.cli"]
CMD ["web"]
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/health/live', timeout=4)"]
