# Three images: web (without TensorFlow), worker, worker-gpu.
#
#     docker build --target web --tag keraforge-web .
#
# What builds stays in the stages that build: an image holds Python, one virtual environment, and nothing to
# compile with. It runs as a user without rights and writes only to /data, /files and /tmp.

ARG PYTHON=3.11

# --- what installs -----------------------------------------------------------------------------------------

FROM python:${PYTHON}-slim-bookworm AS installer
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src
RUN python -m venv --without-pip /opt/keraforge

FROM installer AS wheel
COPY requirements/build.txt requirements/
RUN python -m pip install --require-hashes --only-binary=:all: -r requirements/build.txt
COPY . .
RUN python -m pip wheel --no-deps --no-build-isolation --wheel-dir /wheels .

# The service itself comes last: a change of it installs nothing else anew.
FROM installer AS web-packages
COPY requirements/web.txt requirements/
RUN python -m pip --python /opt/keraforge/bin/python install --require-hashes --only-binary=:all: \
    -r requirements/web.txt
COPY --from=wheel /wheels /wheels
RUN python -m pip --python /opt/keraforge/bin/python install --no-index --no-deps /wheels/*.whl

FROM installer AS worker-packages
COPY requirements/worker.txt requirements/
RUN python -m pip --python /opt/keraforge/bin/python install --require-hashes --only-binary=:all: \
    -r requirements/worker.txt
COPY --from=wheel /wheels /wheels
RUN python -m pip --python /opt/keraforge/bin/python install --no-index --no-deps /wheels/*.whl

FROM installer AS worker-gpu-packages
COPY requirements/worker-gpu.txt requirements/
RUN python -m pip --python /opt/keraforge/bin/python install --require-hashes --only-binary=:all: \
    -r requirements/worker-gpu.txt
COPY --from=wheel /wheels /wheels
RUN python -m pip --python /opt/keraforge/bin/python install --no-index --no-deps /wheels/*.whl

# --- what runs ---------------------------------------------------------------------------------------------

FROM python:${PYTHON}-slim-bookworm AS runtime
# Volumes that are mounted here begin with the owner of these folders.
RUN useradd --system --uid 10001 --user-group --home-dir /data --no-create-home --shell /usr/sbin/nologin \
        keraforge \
    && install -d -m 0700 -o keraforge -g keraforge /data /files
ENV PATH=/opt/keraforge/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    MPLCONFIGDIR=/tmp/matplotlib \
    KERAFORGE_DATA_DIR=/data
USER 10001:10001
WORKDIR /data
# -P, so that nothing that lies in the working directory is taken for ours.
ENTRYPOINT ["python", "-P", "-m", "keraforge"]

FROM runtime AS web
COPY --from=web-packages /opt/keraforge /opt/keraforge
ENV KERAFORGE_HOST=0.0.0.0 KERAFORGE_PORT=8000
EXPOSE 8000
# Alive, not ready: a database that is away is no reason to end what answers predictions without it.
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-P", "-m", "keraforge.up.alive", "web"]
CMD ["web"]

FROM runtime AS any-worker
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-P", "-m", "keraforge.up.alive", "worker"]
CMD ["worker"]

FROM any-worker AS worker
COPY --from=worker-packages /opt/keraforge /opt/keraforge

# The CUDA libraries are among the requirements; the driver, and nvidia-smi, come from the machine.
FROM any-worker AS worker-gpu
COPY --from=worker-gpu-packages /opt/keraforge /opt/keraforge
ENV NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility
