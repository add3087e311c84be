# One image for every process of the platform. Build: docker compose build
# The first stage has the tools (Node comes as a Python package, by the build hook); the last one
# has Python and what is installed, nothing that builds.
FROM python:3.11.11-slim-bookworm AS build
WORKDIR /src
RUN python -m venv /opt/muster
COPY requirements/runtime.txt requirements/runtime.txt
RUN /opt/muster/bin/pip install --no-cache-dir -r requirements/runtime.txt
COPY pyproject.toml hatch_build.py README.md LICENSE ./
COPY protocol protocol
COPY broker broker
COPY agent agent
COPY client client
COPY platform platform
RUN /opt/muster/bin/pip install --no-cache-dir --no-deps .

FROM python:3.11.11-slim-bookworm
RUN groupadd --gid 10001 muster \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /var/lib/muster muster \
    && install -d -o 10001 -g 10001 /var/lib/muster /var/lib/muster/state /var/lib/muster/mosquitto
COPY --from=build /opt/muster /opt/muster
ENV PATH=/opt/muster/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    MUSTER_STATE_DIR=/var/lib/muster/state
WORKDIR /var/lib/muster
USER 10001:10001
ENTRYPOINT ["muster"]
CMD ["--help"]
