"""Are we well: for whoever keeps the machine."""

from ipaddress import ip_address

from fastapi import APIRouter, HTTPException
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from feeds.web.parts import Parts

router = APIRouter(include_in_schema=False)


@router.api_route("/healthz", methods=["GET", "HEAD"])
async def alive() -> PlainTextResponse:
    """200 as long as this process answers at all."""
    return PlainTextResponse("alive\n", headers={"Cache-Control": "no-store"})


@router.api_route("/readyz", methods=["GET", "HEAD"])
async def ready(parts: Parts) -> JSONResponse:
    """200 when rooms may come; 503 names what is not well."""
    checks = await run_in_threadpool(parts.work.ready)
    failing = [check.name for check in checks if not check.ok]
    told = {"ready": not failing, "failing": failing, "checks": [{"name": c.name, "ok": c.ok, "said": c.said} for c in checks]}
    return JSONResponse(told, 503 if failing else 200, headers={"Cache-Control": "no-store"})


@router.get("/metrics")
async def metrics(request: Request, parts: Parts) -> Response:
    """Prometheus text, for this machine alone unless the operator opened it."""
    if not (parts.config.open_metrics or _is_from_here(request)):
        raise HTTPException(404)
    text = await run_in_threadpool(parts.work.metrics)
    return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8", headers={"Cache-Control": "no-store"})


def _is_from_here(request: Request) -> bool:
    """Whether nobody but this machine can be asking; what came through a proxy may come from anywhere."""
    if request.client is None or {"forwarded", "x-forwarded-for"} & set(request.headers):
        return False
    try:
        return ip_address(request.client.host).is_loopback
    except ValueError:
        return False
