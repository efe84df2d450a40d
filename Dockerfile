# All images of Lapwing. docker-compose.yml names the target of each service and its arguments.
# By hand, from the root of the repository:
#   docker build --target ingest --build-arg SERVICE=ingest .

# The name of the service, its lock in requirements/, and the folder of its package.
ARG SERVICE
ARG LOCK=${SERVICE}
ARG PROJECT=services/${SERVICE}

# The environment in /venv with all that the lock names, and none of our packages: this layer, the
# slowest, is built again only when the lock changes.
FROM python:3.11-slim-bookworm AS locked
ARG LOCK
RUN python3 -m venv /venv
WORKDIR /src
COPY requirements/build.lock requirements/${LOCK}.lock ./
RUN --mount=type=cache,target=/pip-cache \
    /venv/bin/pip install --cache-dir /pip-cache --quiet --no-deps --require-hashes \
      -r build.lock -r ${LOCK}.lock

# Most services need the contract and their own package. The build tools are not left in the image.
FROM locked AS installed
ARG PROJECT
COPY packages/contract packages/contract
COPY ${PROJECT} ${PROJECT}
RUN /venv/bin/pip install --quiet --no-deps --no-build-isolation ./packages/contract ./${PROJECT} \
 && /venv/bin/pip uninstall --quiet --yes flit_core setuptools pip

# The evaluator drives in the simulator, so it needs that package too.
FROM locked AS installed-evaluator
COPY packages/contract packages/contract
COPY packages/simulator packages/simulator
COPY services/evaluator services/evaluator
RUN /venv/bin/pip install --quiet --no-deps --no-build-isolation \
      ./packages/contract ./packages/simulator ./services/evaluator \
 && /venv/bin/pip uninstall --quiet --yes flit_core setuptools pip

# A node of a cluster does the work of all services with jobs: docker-compose.cluster.yml.
FROM locked AS installed-cluster
COPY packages/contract packages/contract
COPY packages/simulator packages/simulator
COPY services/ingest services/ingest
COPY services/trainer services/trainer
COPY services/evaluator services/evaluator
RUN /venv/bin/pip install --quiet --no-deps --no-build-isolation ./packages/contract \
      ./packages/simulator ./services/ingest ./services/trainer ./services/evaluator \
 && /venv/bin/pip uninstall --quiet --yes flit_core setuptools pip

# TensorBoard and rq-dashboard are programs of others. TensorBoard needs setuptools.
FROM locked AS installed-observe
RUN /venv/bin/pip uninstall --quiet --yes flit_core pip

# Every image runs as a user without rights, who owns the folders where the volumes are mounted.
FROM python:3.11-slim-bookworm AS runtime
RUN useradd --uid 10001 --user-group --no-create-home lapwing \
 && install -d -o lapwing -g lapwing /data /models /recordings /drives
ENV PATH=/venv/bin:$PATH HOME=/tmp MPLCONFIGDIR=/tmp PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    PYTHONSAFEPATH=1

# Panda3D's software renderer links against libX11. No screen is used.
FROM runtime AS runtime-renderer
RUN apt-get update --quiet=2 \
 && apt-get install --quiet=2 --yes --no-install-recommends libx11-6 >/dev/null \
 && rm -rf /var/lib/apt/lists/*

FROM runtime AS service
COPY --from=installed /venv /venv
USER lapwing

# The images: what follows are the targets that docker-compose.yml names.

FROM service AS ingest
CMD ["python", "-m", "ingest"]

# With LOCK=trainer-cuda it trains on an NVIDIA GPU.
FROM service AS trainer
CMD ["python", "-m", "trainer"]

FROM runtime-renderer AS evaluator
COPY --from=installed-evaluator /venv /venv
USER lapwing
CMD ["python", "-m", "evaluator"]

# The head and the nodes of a Ray cluster, and the services whose jobs drive it: Ray asks for the
# same releases everywhere. Its lock is requirements/cluster.lock.
FROM runtime-renderer AS cluster
RUN install -d -o lapwing -g lapwing /cluster
COPY --from=installed-cluster /venv /venv
COPY containers/start-ray.sh /lapwing/
USER lapwing
CMD ["sh", "/lapwing/start-ray.sh", "node"]

FROM service AS inference
EXPOSE 8000
CMD ["python", "-m", "inference"]

FROM service AS driver-bridge
EXPOSE 4567
CMD ["python", "-m", "driver_bridge"]

FROM service AS cli
ENTRYPOINT ["lapwing"]
CMD ["--help"]

FROM runtime-renderer AS simulator
COPY --from=installed /venv /venv
USER lapwing
ENV LAPWING_COMMAND=simulator
ENTRYPOINT ["python", "-m", "simulator"]
CMD ["--help"]

# docker-compose.yml says which of the two programs a container runs.
FROM runtime AS observe
COPY --from=installed-observe /venv /venv
COPY observe/dashboard.py /observe/
USER lapwing
EXPOSE 6006 9181

# Redis never runs as root, so its user owns the folders where its volumes are mounted.
FROM redis:7-bookworm AS redis
RUN install -d -o redis -g redis /data /secrets/bridge /secrets/dashboard /secrets/jobs
COPY containers/start-redis.sh packages/cli/lapwing/stack/redis_roles.acl /lapwing/
USER redis
ENTRYPOINT ["sh", "/lapwing/start-redis.sh", "/lapwing/redis_roles.acl", "/secrets", "/tmp"]
CMD ["--dir", "/data", "--appendonly", "yes", "--appendfsync", "everysec", "--save", ""]
