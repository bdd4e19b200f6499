# The page for a school's own machine, by the same command as in README.md:
#   docker build -t cvt-explorer . && docker run --rm -p 7860:7860 cvt-explorer
FROM python:3.12-slim

# read-only for the user that runs it; what people send goes to /tmp
WORKDIR /app
ENV PIP_NO_CACHE_DIR=1 PYTHONUNBUFFERED=1 OMP_WAIT_POLICY=passive

# PyTorch for machines without a GPU, which is smaller; for one, build with: --build-arg WHEELS=https://pypi.org/simple
ARG WHEELS=https://download.pytorch.org/whl/cpu
COPY requirements.txt ./
RUN pip install -r requirements.txt --extra-index-url $WHEELS

COPY app.py ./
COPY cvt cvt
COPY visualize visualize
COPY examples examples

RUN useradd --create-home explorer
USER explorer
ENV GRADIO_SERVER_NAME=0.0.0.0
EXPOSE 7860
HEALTHCHECK --start-period=60s CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:7860/explorer/heartbeat', timeout=10)"]
CMD ["python", "app.py"]
