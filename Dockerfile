# The web server, as docs/operating.md starts it. What it keeps is in the database, and what it must not tell comes from
# the environment: the image holds neither.
FROM python:3.11-slim-bookworm

ENV PYTHONUNBUFFERED=1
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin convadmin \
  && install --directory --owner 10001 --group 10001 --mode 0700 /exports
WORKDIR /app

COPY requirements.txt ./
RUN pip install --no-cache-dir --disable-pip-version-check --root-user-action=ignore --requirement requirements.txt

COPY LICENSE manage.py ./
COPY convadmin convadmin
COPY conversations conversations
COPY static static
COPY templates templates
COPY docs/search-language.md docs/
# The settings want a key and a database, which collecting does not use. Whatever umask the files had where they come
# from, the server may read them, and change none.
RUN SECRET_KEY=unused DATABASE_URL=sqlite://:memory: python manage.py collectstatic --noinput \
  && chmod -R a+rX,go-w .

USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=10s --start-period=30s CMD ["python", "-m", "convadmin.health"]
CMD ["gunicorn", "convadmin.wsgi", "--worker-class", "gthread", "--workers", "2", "--threads", "8", "--timeout", "60", \
     "--no-control-socket", "--worker-tmp-dir", "/dev/shm", "--bind", "0.0.0.0:8000"]
