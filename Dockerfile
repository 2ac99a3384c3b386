# Two stages: the first builds, the second runs without compilers, as nobody in particular, with its state in /data.
FROM python:3.13-slim AS build
WORKDIR /src
RUN python -m venv /venv
COPY requirements/run.txt requirements/
RUN /venv/bin/pip install --no-cache-dir --require-hashes -r requirements/run.txt
COPY pyproject.toml README.md LICENSE ./
COPY pipeline pipeline
COPY workers workers
COPY feeds feeds
RUN /venv/bin/pip install --no-cache-dir --no-deps --no-build-isolation .

FROM python:3.13-slim
COPY --from=build /venv /venv
RUN useradd --system --uid 10001 --create-home aircheck && install -d -o aircheck -g aircheck /data
USER aircheck
WORKDIR /data
ENV PATH=/venv/bin:$PATH AIRCHECK_DATA_DIR=/data PYTHONUNBUFFERED=1
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
# On many machines: `serve` for the web, `work` for the workers, and no health check of the web on the latter.
CMD ["aircheck", "up", "--host", "0.0.0.0", "--port", "8000"]
