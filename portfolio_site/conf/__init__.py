"""Parts of `portfolio_site.settings`, which is the one module that anybody reads them from."""
