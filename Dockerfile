# The image of a prediction: an interpreter, the modules it imports, the model. Why, and how to get
# the same digest: docs/explanation/container.md. `make docker` builds it, as does `docker build .`.
ARG BASE_IMAGE=base

# Pinned by digest, in a line of its own since Dependabot does not read ARG. Not used if BASE_IMAGE
# is another image.
FROM python:3.13-slim@sha256:6771159cd4fa5d9bba1258caf0b82e6b73458c694d178ad97c5e925c2d0e1a91 AS base

FROM ${BASE_IMAGE} AS build
ARG MODEL_FINGERPRINT=""
COPY tools/image/root.py /build/
COPY src/ /build/src/
COPY artifacts/model.json artifacts/quantized.json /out/artifacts/
RUN python3 /build/root.py --fingerprint "${MODEL_FINGERPRINT}" /build/src /out

# The last stage is built, unless --target names another one.
FROM scratch AS predict
ARG MODEL_FINGERPRINT=""
ARG REVISION=""
LABEL org.opencontainers.image.title="cali-reg" \
      org.opencontainers.image.source="https://github.com/cali-reg/cali-reg" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.licenses="MIT" \
      io.github.cali-reg.model.fingerprint="${MODEL_FINGERPRINT}"
# One layer of the whole folder: copying its parts would add parent folders with the current time.
COPY --from=build /out/ /
WORKDIR /
USER 65532:65532
ENTRYPOINT ["/usr/local/bin/python3", "-I", "-m", "cali_reg"]
CMD ["predict"]
