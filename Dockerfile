# The tap, the target and the `exactonline` command; and, as the stage `meltano`, a Meltano project
# that loads Exact Online into PostgreSQL (see examples/compose.yml).
#
#   docker build --tag singer-exactonline .
#   docker run --rm singer-exactonline tap-exactonline --about
#   docker build --tag exact-online-load --target meltano .

FROM python:3.13-slim AS base
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore PYTHONUNBUFFERED=1
RUN useradd --create-home --uid 10001 exactonline

FROM base AS wheel
WORKDIR /src
COPY requirements/build.txt requirements/
RUN pip install --require-hashes --requirement requirements/build.txt
COPY pyproject.toml README.md CHANGELOG.md LICENSE ./
COPY exactonline_cli exactonline_cli
COPY exactonline_client exactonline_client
COPY exactonline_sandbox exactonline_sandbox
COPY tap_exactonline tap_exactonline
COPY target_exactonline target_exactonline
RUN python -m build --wheel --no-isolation --outdir /wheels

FROM base AS meltano
COPY requirements/meltano.txt /tmp/
RUN python -m venv /opt/meltano \
 && /opt/meltano/bin/pip install --require-hashes --requirement /tmp/meltano.txt
ENV PATH=/opt/meltano/bin:$PATH
WORKDIR /project
COPY --from=wheel /wheels wheels
COPY requirements/container.txt requirements/target-postgres.txt requirements/
COPY examples/meltano.yml ./
RUN chown exactonline:exactonline /project
USER exactonline
RUN meltano install
CMD ["meltano", "run", "tap-exactonline", "target-postgres"]

FROM base AS plugins
COPY requirements/container.txt /tmp/
RUN python -m venv /opt/exactonline \
 && /opt/exactonline/bin/pip install --require-hashes --requirement /tmp/container.txt
COPY --from=wheel /wheels /tmp/wheels
RUN /opt/exactonline/bin/pip install --no-deps --no-index /tmp/wheels/*.whl
ENV PATH=/opt/exactonline/bin:$PATH
USER exactonline
WORKDIR /home/exactonline
CMD ["exactonline", "--help"]
