# The site as it runs in production. Build from the project's folder:
#   docker build -t phone-login .
# Run with the environment of docs/deploy.md; nothing is written but to /tmp and /dev/shm:
#   docker run --read-only --tmpfs /tmp --env-file site.env -p 8000:8000 phone-login

FROM python:3.13-slim-bookworm AS packages
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
COPY requirements.txt /build/
RUN python -m venv /venv \
 && /venv/bin/pip install --require-hashes --only-binary :all: -r /build/requirements.txt

FROM python:3.13-slim-bookworm AS site
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin site
WORKDIR /site
COPY --from=packages /venv /venv
COPY manage.py ./
COPY config config
COPY accounts accounts
COPY cognito_admin cognito_admin
COPY templates templates
COPY static static
COPY locale locale
COPY lambdas lambdas
# Names and hashes of the site's files; no secret is needed for them, and none stays.
RUN DJANGO_SECRET_KEY=only-while-files-are-collected ENV_FILE=/dev/null \
    python manage.py collectstatic --noinput \
 && python -m compileall -q config accounts cognito_admin
USER 10001
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=2)"]
# gunicorn ends in order on SIGTERM, which docker sends.
CMD ["gunicorn", "-c", "config/gunicorn.conf.py"]
