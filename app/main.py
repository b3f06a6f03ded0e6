"""The ASGI application: `uvicorn app.main:app`, or `sos serve`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from importlib.metadata import version

from anyio import to_thread
from fastapi import FastAPI

from app.api import catalog, documentation, errors, health, regions, stars, surveys, versions
from app.api.head import HeadAsGet
from app.api.lean import LeanRoutes
from app.factory import Factory
from app.settings import Settings
from app.storage.embedded import EmbeddedServer
from app.vo import cone_search, tap, uws, vosi
from app.web import pages

ROUTERS = (stars.router, regions.router, catalog.router, surveys.router, versions.router, health.router, pages.router)
VO_ROUTERS = (cone_search.router, tap.router, uws.router, vosi.router)


def create_app(settings: Settings) -> FastAPI:
    """Return the application; it connects to the database, or starts the embedded one, when it starts itself."""
    application = FastAPI(
        title="SoS, Survey of Surveys",
        version=version("survey-of-surveys"),
        description=documentation.DESCRIPTION,
        openapi_tags=documentation.TAGS,
        responses=documentation.PROBLEMS,
        docs_url=None,
        redoc_url=None,
        lifespan=_lifespan(settings),
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    for router in (*ROUTERS, *VO_ROUTERS):
        application.include_router(router)
    documentation.install(application)
    errors.install(application)
    application.add_middleware(LeanRoutes, exact={"/v1/cone": regions.cone}, prefixed={"/v1/stars/": stars.star})
    application.add_middleware(HeadAsGet)
    return application


def _lifespan(settings: Settings) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(application: FastAPI) -> AsyncIterator[None]:
        async with _database_url(settings) as url, _factory(settings, url) as factory:
            application.state.factory = factory
            yield

    return lifespan


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
        state=settings.state_folder,
        public_url=settings.public_url,
    )


app = create_app(Settings())
