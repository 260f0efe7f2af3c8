"""Use the exact regression in a scikit-learn pipeline: cross-validation and grid search."""

import numpy as np
from sklearn.compose import make_column_transformer
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from cali_reg import ExactLinearRegression, load_california_housing

X, y = load_california_housing(return_X_y=True)
skewed = [2, 3, 4, 5]  # AveRooms, AveBedrms, Population, AveOccup: take logarithms
prepare = make_column_transformer(
    (FunctionTransformer(np.log2), skewed), remainder=StandardScaler()
)
pipeline = make_pipeline(prepare, ExactLinearRegression())
folds = KFold(5, shuffle=True, random_state=0)
scores = cross_val_score(pipeline, X, y, cv=folds)
print(f"R² of 5 folds: {' '.join(f'{score:.3f}' for score in scores)}")
search = GridSearchCV(pipeline, {"exactlinearregression__alpha": [0.0, 1.0, 100.0]}, cv=folds)
search.fit(X, y)
print(f"best alpha: {search.best_params_['exactlinearregression__alpha']}")
print(f"its R²:     {search.best_score_:.3f}")
