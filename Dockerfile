# One image for every process; the command says which (see docker-compose.yml and Procfile).
FROM python:3.11-slim-bookworm

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1
WORKDIR /srv/wenan

COPY requirements.lock ./
RUN pip install --require-hashes -r requirements.lock

# Docker builds with `--build-arg EXTRAS=voice` hear voices, see docs/operations.md.
ARG EXTRAS=
COPY . .
RUN pip install --no-deps --no-build-isolation -e . \
    && if [ -n "$EXTRAS" ]; then pip install --no-build-isolation -e ".[$EXTRAS]"; fi \
    && SECRET_KEY=only-to-compile-translations python manage.py compile_catalogs \
    && useradd --system --home-dir /srv/wenan --uid 10001 wenan \
    && install -d -o wenan -m 700 /var/lib/wenan

USER wenan
ENV WENAN_VAR=/var/lib/wenan HOST=0.0.0.0 PORT=8000 DJANGO_SETTINGS_MODULE=config.settings.production
VOLUME /var/lib/wenan
EXPOSE 8000

HEALTHCHECK --interval=10s --timeout=5s --start-period=60s \
    CMD python -c "import os, urllib.request as r; r.urlopen(r.Request('http://127.0.0.1:%s/healthz' % os.environ['PORT'], headers={'Host': 'localhost', 'X-Forwarded-Proto': 'https'}), timeout=4)"

CMD ["python", "-m", "workers.process", "web"]
