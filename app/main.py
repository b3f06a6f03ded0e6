"""The ASGI application: `uvicorn app.main:app`, or `sos serve`."""

from __future__ import annotations

import gc
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, nullcontext
from importlib.metadata import version

from anyio import CapacityLimiter, to_thread
from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from app.api import (
    admin,
    audit,
    catalog,
    convert,
    cross_origin,
    documentation,
    errors,
    exports,
    gauges,
    health,
    homogenize,
    jobs,
    keys,
    match,
    metrics,
    provenance,
    regions,
    stars,
    surveys,
    uploads,
    versions,
)
from app.api.body_limit import BodyLimit
from app.api.compression import Compression
from app.api.files import BLOCKS_AT_ONCE
from app.api.head import HeadAsGet
from app.api.lean import LeanRoutes
from app.api.measuring import Measuring
from app.api.once import OnceOnly
from app.api.rate_limit import RateLimit
from app.domain.quotas import QueryQuota, Quota
from app.factory import Factory, Folders
from app.rehearsal.running import rehearsing
from app.settings import Settings
from app.storage.embedded import EmbeddedServer
from app.vo import cone_search, tap, uws, vosi
from app.web import pages

ROUTERS = (
    provenance.router,  # before the stars, whose identifiers may hold a slash
    stars.router,
    regions.router,
    match.router,
    convert.router,
    homogenize.router,
    catalog.router,
    surveys.router,
    versions.router,
    exports.router,
    jobs.router,
    jobs.cancelling,
    admin.router,
    uploads.router,
    keys.router,
    audit.router,
    health.router,
    metrics.router,
    pages.router,
)
ADMINISTRATION = "/v1/admin/"
VO_ROUTERS = (cone_search.router, tap.router, uws.router, vosi.router)


def create_app(settings: Settings, *, rehearsed: bool = False) -> FastAPI:
    """Return the application; it connects to the database, or starts the embedded one, when it starts itself.

    Args:
        settings: of the service.
        rehearsed: load what requests will need while nobody asks for it yet.
    """
    application = FastAPI(
        title="SoS, Survey of Surveys",
        version=version("survey-of-surveys"),
        description=documentation.DESCRIPTION,
        openapi_tags=documentation.TAGS,
        responses=documentation.PROBLEMS,
        docs_url=None,
        redoc_url=None,
        lifespan=_lifespan(settings, rehearsed=rehearsed),
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    for router in (*ROUTERS, *VO_ROUTERS):
        application.include_router(router)
    documentation.install(application)
    errors.install(application)
    application.add_middleware(
        BodyLimit,
        usual_mib=settings.body_limit_mib,
        larger_mib=dict.fromkeys(("/v1/match", "/v1/convert", "/v1/homogenize"), settings.upload_limit_mib),
        own=ADMINISTRATION,
    )
    application.add_middleware(Compression)
    application.add_middleware(
        LeanRoutes,
        exact={"/v1/cone": regions.cone},
        prefixed={"/v1/stars/": stars.star},
        except_suffixes=(provenance.SUFFIX,),
    )
    application.add_middleware(OnceOnly, under="/v1/", own=ADMINISTRATION)
    application.add_middleware(HeadAsGet)
    application.add_middleware(RateLimit, per_second=settings.rate_limit, burst=settings.rate_burst)
    application.add_middleware(Measuring)
    application.add_middleware(CORSMiddleware, **cross_origin.allowed(settings.allow_origins))
    return application


def _lifespan(settings: Settings, *, rehearsed: bool) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(application: FastAPI) -> AsyncIterator[None]:
        async with _database_url(settings) as url, _factory(settings, url) as factory:
            application.state.factory = factory
            application.state.blocks_at_once = CapacityLimiter(BLOCKS_AT_ONCE)
            async with gauges.noted(factory), rehearsing(factory) if rehearsed else nullcontext():
                with _start_left_alone():
                    yield

    return lifespan


@contextmanager
def _start_left_alone() -> Iterator[None]:
    """Keep what there is by now out of later collections of garbage, which would hold up every request each time."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


@asynccontextmanager
async def _database_url(settings: Settings) -> AsyncIterator[str]:
    if settings.database_url is not None:
        yield settings.database_url
        return
    lease = EmbeddedServer(settings.state_folder, binaries=settings.pg_bin).lease()
    url = await to_thread.run_sync(lease.__enter__)
    try:
        yield url
    finally:
        await to_thread.run_sync(lease.__exit__, None, None, None)


def _factory(settings: Settings, url: str) -> Factory:
    return Factory(
        url,
        pool_size=settings.pool_size,
        stream_pool_size=settings.stream_pool_size,
        query_pool_size=settings.query_pool_size,
        state=settings.state_folder,
        public_url=settings.public_url,
        folders=Folders(
            descriptors=settings.descriptors_folder,
            uploads=settings.uploads_folder,
            exports=settings.exports_folder,
            tables=settings.tables_folder,
            catalogues=settings.catalogues_folder,
            incoming=settings.incoming,
        ),
        cache=settings.cache_folder,
        largest_upload=settings.ingest_limit_mib << 20,
        quota=Quota(settings.tables_at_once, settings.tables_kept, settings.keep_tables_days),
        exports=Quota(settings.exports_at_once, settings.exports_kept, settings.keep_exports_days),
        left_queries=QueryQuota(settings.tap_jobs_at_once, settings.tap_jobs_kept, settings.tap_kept_mib << 20),
    )


app = create_app(Settings(), rehearsed=True)
